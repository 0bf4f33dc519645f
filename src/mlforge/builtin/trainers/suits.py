"""Settings of a trainer that do not go together, and devices that they need."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING

from mlforge.components import Objection
from mlforge.errors import MissingRequirement

if TYPE_CHECKING:
    from mlforge.builtin.trainers.lightning import Lightning

__all__ = ["device_for", "objections"]

_FP8 = "an NVIDIA GPU of compute capability 8.9 or newer (Ada, Hopper, Blackwell)"


def objections(trainer: Lightning) -> Iterator[Objection]:
    """What can be told without a device and without torch."""
    if trainer.strategy == "deepspeed":
        yield Objection("strategy", "deepspeed is none of mlforge's own", "auto, ddp or fsdp", "It comes by a plugin that brings a trainer of its own.")
    if trainer.strategy == "fsdp" and trainer.ema is not None:
        yield Objection("ema", "an average needs all weights, and fsdp leaves each process a share of them", "null, or strategy ddp")
    if trainer.strategy != "fsdp" and trainer.sharding != type(trainer.sharding)():
        yield Objection("sharding", f"only fsdp shards, and strategy is {trainer.strategy}", "strategy: fsdp, or no sharding")
    if trainer.precision == "transformer-engine" and (trainer.accelerator == "cpu" or find_spec("transformer_engine") is None):
        lacking = "accelerator is cpu" if trainer.accelerator == "cpu" else "the package is not installed"
        yield Objection("precision", f"transformer-engine computes in fp8, and {lacking}", f"{_FP8} and `pip install transformer-engine[pytorch]`")
    if trainer.precision == "16-mixed" and trainer.accelerator == "cpu":
        yield Objection("precision", "16-mixed needs a GPU, and accelerator is cpu", "bf16-mixed or 32-true")
    if trainer.precision in ("bf16-true", "16-mixed", "transformer-engine") and trainer.strategy == "fsdp":
        yield Objection("precision", f"fsdp does not shard a network in {trainer.precision}", "32-true or bf16-mixed")
    if trainer.strategy == "fsdp" and trainer.prune is not None:
        yield Objection("prune", "which neurons go follows from all weights, and fsdp leaves each process a share of them", "null, or strategy ddp")
    if trainer.accumulate > trainer.batch_size:
        yield Objection("accumulate", f"{trainer.accumulate} portions of a step of {trainer.batch_size} rows", "at most as many as batch_size")
    if trainer.min_delta and trainer.patience is None:
        yield Objection("min_delta", "nothing uses it without patience", "patience: 5, or no min_delta")


def device_for(trainer: Lightning) -> None:
    """Raises MissingRequirement when this machine has no device for the settings."""
    import torch

    gpu = torch.cuda.is_available()
    if trainer.accelerator == "gpu" and not (gpu or torch.backends.mps.is_available()):
        hint = "Choose trainer.accelerator=auto, or install the torch that fits your GPU."
        raise MissingRequirement(f"trainer.accelerator: gpu, and torch {torch.__version__} finds none", hint=hint)
    if trainer.precision == "16-mixed" and not gpu:
        raise MissingRequirement("trainer.precision: 16-mixed needs a GPU, and there is none", hint="Choose trainer.precision=bf16-mixed.")
    if trainer.precision.startswith("bf16") and trainer.on_gpu() and torch.version.hip is None and torch.cuda.get_device_capability() < (8, 0):
        have = f"{torch.cuda.get_device_name()} has none"
        raise MissingRequirement(f"trainer.precision: {trainer.precision} needs a GPU with bfloat16, and {have}", hint="Choose trainer.precision=16-mixed.")
    if trainer.precision == "transformer-engine" and (not gpu or torch.cuda.get_device_capability() < (8, 9)):
        raise MissingRequirement(f"trainer.precision: transformer-engine needs {_FP8}", hint="Choose trainer.precision=bf16-mixed.")
