"""What this machine has to fit on."""

from __future__ import annotations

import os
from pathlib import Path

from mlforge.components import Trainer
from mlforge.errors import MissingRequirement, RecipeError

__all__ = ["cores", "enough_gpus", "gpus", "together"]


def cores() -> int:
    """CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def together(trainer: Trainer, processes: int) -> None:
    """Raises RecipeError when there are several processes and the trainer knows only how to fit in one."""
    if processes > 1 and not trainer.together:
        name = type(trainer).__name__.lower()
        raise RecipeError(f"cluster: {processes} processes, and trainer {name} fits in one", hint="Leave the cluster out, or give it one worker.")


def gpus() -> int:
    """GPUs that torch sees. torch is asked only where there is a driver: importing it takes seconds."""
    if not (Path("/proc/driver/nvidia/version").exists() or Path("/dev/kfd").exists() or Path("/dev/nvidiactl").exists()):
        return 0
    import torch

    return torch.cuda.device_count()


def enough_gpus(processes: int, what: str, *, wanted: bool) -> int:
    """How many GPUs there are. Raises MissingRequirement when there are some, or there must be, and fewer than processes that need one each."""
    there = gpus()
    if processes > there and (there or wanted):
        hint = f"Try {there}, or trainer.accelerator=cpu." if there else "Try trainer.accelerator=cpu."
        raise MissingRequirement(f"cluster: {processes} {what} with a GPU each, and this machine has {there}", hint=hint)
    return there
