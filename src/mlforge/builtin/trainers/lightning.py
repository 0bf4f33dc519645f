"""The trainer for networks."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from mlforge.builtin.trainers.schedule import Schedule
from mlforge.builtin.trainers.weighing import ClassWeights, weighed
from mlforge.components import Fitting, Trainer
from mlforge.errors import MissingRequirement, RunFailed
from mlforge.finding import Finding
from mlforge.units import Duration, Share

if TYPE_CHECKING:
    import torch

    from mlforge.builtin.trainers.checkpoints import Checkpoints

__all__ = ["Lightning"]

_VALIDATION_ROWS = 8192  # at a time; without gradients more rows fit than in training


class Lightning(Trainer):
    """Fits a network with PyTorch Lightning; keeps the weights with the lowest validation loss."""

    requires: ClassVar[tuple[str, ...]] = ("torch", "pytorch-lightning", "safetensors")
    libraries: ClassVar[tuple[str, ...]] = ("torch", "pytorch-lightning", "numpy")
    fits: ClassVar[frozenset[str]] = frozenset({"network"})

    max_epochs: int = Field(default=30, ge=1, description="how often to go through the training rows at most")
    batch_size: int = Field(default=128, ge=1, description="rows of a training step")
    lr: float = Field(default=1e-3, gt=0, description="learning rate, at its highest")
    weight_decay: float = Field(default=0.01, ge=0, description="how strongly weights are pulled to zero")
    optimizer: Literal["adamw", "adam", "sgd"] = Field(default="adamw", description="how gradients become steps; sgd has a Nesterov momentum of 0.9")
    schedule: Schedule = Field(default="cosine", description="how the learning rate goes over the run; one_cycle rises for 30 % of it, then falls")
    warmup: Share = Field(default=0.0, ge=0, lt=1, description="share of the steps in which the learning rate rises before its schedule begins")
    ema: float | None = Field(
        default=None, gt=0, lt=1, description="keep an exponential moving average of the weights, and judge and ship that; how much of it each step leaves"
    )
    label_smoothing: float = Field(default=0.0, ge=0, lt=1, description="share of each label that is spread over all classes: less certain, often better")
    patience: int | None = Field(default=5, ge=1, description="stop after so many epochs without a lower validation loss; null: never")
    class_weights: ClassWeights = Field(default=None, description="balanced: every class weighs the same in the loss, however rare")
    clip: float | None = Field(default=None, gt=0, description="longest gradient; longer ones are shortened to it")
    precision: Literal["32-true", "bf16-mixed"] = Field(default="32-true", description="number format of the forward and backward pass")
    accelerator: Literal["auto", "cpu", "gpu"] = Field(default="auto", description="where to train; auto takes a GPU when there is one")
    threads: int | None = Field(default=None, ge=1, description="CPU threads; null: as many as torch finds")
    checkpoint_every: Duration = Field(default=10.0, description="shortest time between two checkpoints, which are made at the end of an epoch")

    def fit(self, fitting: Fitting) -> None:
        """Fit, or continue from the last whole checkpoint; on one machine, device and set of versions the same bytes either way."""
        from mlforge.builtin.trainers.surroundings import deterministic, enough_memory, interruptible, quiet

        self._check_accelerator()
        with quiet(), deterministic(fitting.seed, self.threads), enough_memory(self.batch_size), interruptible():
            self._fit(fitting)

    def _check_accelerator(self) -> None:
        import torch

        if self.accelerator == "gpu" and not (torch.cuda.is_available() or torch.backends.mps.is_available()):
            hint = "Choose trainer.accelerator=auto, or install the torch that fits your GPU."
            raise MissingRequirement(f"trainer.accelerator: gpu, and torch {torch.__version__} finds none", hint=hint)

    def optimiser_of(self, network: torch.nn.Module) -> torch.optim.Optimizer:
        """The optimiser for a network's weights."""
        import torch

        weights = list(network.parameters())
        if self.optimizer == "sgd":
            return torch.optim.SGD(weights, self.lr, momentum=0.9, nesterov=True, weight_decay=self.weight_decay, fused=True)
        kind = torch.optim.AdamW if self.optimizer == "adamw" else torch.optim.Adam
        return kind(weights, self.lr, weight_decay=self.weight_decay, fused=True)

    def _fit(self, fitting: Fitting) -> None:
        import pytorch_lightning as lightning
        from safetensors.torch import save_file

        from mlforge.builtin.trainers.batches import Batches
        from mlforge.builtin.trainers.checkpoints import Checkpoints
        from mlforge.builtin.trainers.learner import Learner

        if not len(fitting.validation):
            raise RunFailed("trainer: there are no validation rows to choose the best weights by", hint="Give the split a validation share.")
        limit = 1 if fitting.smoke else None
        train_rows, validation_rows = weighed(fitting, self.class_weights)
        train = Batches(train_rows, self.batch_size, seed=fitting.seed, weight=train_rows.weight, limit=limit)
        validation = Batches(validation_rows, _VALIDATION_ROWS, weight=validation_rows.weight, limit=limit)
        checkpoints = Checkpoints(fitting.work, self.checkpoint_every)
        learner = Learner(fitting, self, train, checkpoints, 1 if fitting.smoke else self.max_epochs)
        saved = checkpoints.load()
        if saved is not None:
            learner.resume(saved)
        start = time.perf_counter()
        if not learner.record.stopped:
            self._trainer(lightning, fitting, learner.last_epoch - learner.record.epochs).fit(learner, train, validation)
        seconds = time.perf_counter() - start
        if fitting.smoke:
            _round_trip(checkpoints, learner.best)
        save_file(learner.best, fitting.folder / "weights.safetensors")
        learner.record.write(fitting.folder)
        fitting.find(Finding(name="train/seconds", value=seconds, unit="s", volatile=True, better="lower", text="time to fit, without reading the rows"))

    def _trainer(self, lightning: Any, fitting: Fitting, epochs: int) -> Any:
        return lightning.Trainer(
            max_epochs=epochs,
            accelerator=self.accelerator,
            devices=1,
            precision=self.precision,
            gradient_clip_val=self.clip,
            default_root_dir=fitting.work,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
        )


def _round_trip(checkpoints: Checkpoints, best: Mapping[str, torch.Tensor]) -> None:
    """A smoke run proves that what was checkpointed can be read again."""
    saved = checkpoints.load()
    if saved is None or any(not tensor.equal(saved.best[name]) for name, tensor in best.items()):
        raise RunFailed("trainer: the checkpoint that was just written reads back differently", hint="Check the disk that holds the store.")
