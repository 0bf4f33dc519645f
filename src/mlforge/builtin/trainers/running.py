"""Lightning's trainer, made from a recipe's settings. Imports pytorch_lightning."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytorch_lightning as lightning
from pytorch_lightning.plugins.environments import LightningEnvironment, TorchElasticEnvironment
from pytorch_lightning.plugins.precision import HalfPrecision
from pytorch_lightning.profilers import AdvancedProfiler, Profiler, PyTorchProfiler, SimpleProfiler
from pytorch_lightning.strategies import DDPStrategy, ModelParallelStrategy, Strategy

from mlforge.builtin.trainers.batches import Batch
from mlforge.components import Fitting, Place

if TYPE_CHECKING:
    from mlforge.builtin.trainers.lightning import Lightning

__all__ = ["running"]

_PROFILERS = {"simple": SimpleProfiler, "advanced": AdvancedProfiler, "pytorch": PyTorchProfiler}


class _Half(HalfPrecision):  # type: ignore[misc]  # pytorch_lightning is not typed for us
    """Half precision for what a network reads; targets and weights stay as they are, so that it is judged by the true ones."""

    def convert_input(self, data: Any) -> Any:
        return data._replace(blocks=super().convert_input(data.blocks)) if isinstance(data, Batch) else super().convert_input(data)


def running(settings: Lightning, fitting: Fitting, portions: int, epochs: int, callbacks: Sequence[Any], *, manual: bool) -> lightning.Trainer:
    """A trainer that goes on from so many epochs; how far it goes is decided elsewhere. With `manual` optimisation a module accumulates and clips itself."""
    place, half = fitting.place, settings.precision == "bf16-true"
    trainer = lightning.Trainer(
        max_epochs=-1,
        accelerator=settings.accelerator,
        devices=place.local_world,
        num_nodes=place.nodes,
        strategy=_strategy(settings, place),
        precision=None if half else settings.precision,
        accumulate_grad_batches=1 if manual else portions,
        gradient_clip_val=None if manual else settings.clip,
        gradient_clip_algorithm=settings.clip_by,
        plugins=[LightningEnvironment() if place.world == 1 else TorchElasticEnvironment(), *([_Half("bf16-true")] if half else [])],
        sync_batchnorm=place.world > 1 and settings.on_gpu(),
        callbacks=[*(one.build(fitting) for one in fitting.callbacks.values()), *callbacks],
        profiler=_profiler(settings, fitting) if place.first else None,
        default_root_dir=fitting.work,
        logger=[one.build(fitting, _folder(fitting, name)) for name, one in fitting.loggers.items()] or False,
        use_distributed_sampler=False,
        enable_checkpointing=any(isinstance(one, lightning.callbacks.Checkpoint) for one in callbacks),
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        log_every_n_steps=settings.log_every,
    )
    done = trainer.fit_loop.epoch_progress.current
    done.ready = done.started = done.processed = done.completed = epochs
    return trainer


def _strategy(settings: Lightning, place: Place) -> Strategy | str:
    if place.world == 1:
        return "auto"
    if settings.strategy == "fsdp":
        both = settings.sharding.offload and settings.on_gpu()  # shares that are in the machine's memory are clipped there, together
        return ModelParallelStrategy(place.world, 1, process_group_backend="cpu:gloo,cuda:nccl" if both else None)
    return DDPStrategy(find_unused_parameters=False, gradient_as_bucket_view=True)


def _profiler(settings: Lightning, fitting: Fitting) -> Profiler | None:
    if settings.profiler is None:
        return None
    profiler: Profiler = _PROFILERS[settings.profiler](dirpath=_folder(fitting, "profile"), filename=settings.profiler)
    return profiler


def _folder(fitting: Fitting, name: str) -> Path:
    folder = (fitting.aside or fitting.work.parent / "aside") / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder
