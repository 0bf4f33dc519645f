"""The process around a fit: quiet, reproducible, and as it was before when the fit is over. Imports torch."""

from __future__ import annotations

import logging
import os
import random
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from mlforge.errors import RunFailed

__all__ = ["interruptible", "quiet", "reproducible"]

_TALKERS = ("pytorch_lightning", "lightning_fabric", "lightning.pytorch", "lightning.fabric")


@contextmanager
def quiet() -> Iterator[None]:
    """Lightning neither warns nor gives tips: what it has to say is about settings that are ours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pytorch_lightning  # noqa: F401  # sets its loggers' levels when it is imported, so it must be before ours

        before = {name: logging.getLogger(name).level for name in _TALKERS}
        for name in _TALKERS:
            logging.getLogger(name).setLevel(logging.ERROR)
        try:
            yield
        finally:
            for name, level in before.items():
                logging.getLogger(name).setLevel(level)


@contextmanager
def reproducible(seed: int, threads: int | None, *, strict: bool, gpu: bool) -> Iterator[None]:
    """The same seed draws the same, and with `strict` gives the same bits; random state, thread count and mode of the process are put back afterwards.

    Raises RunFailed when a layer cannot be strict.
    """
    if strict:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it cuBLAS refuses to be deterministic; no effect on a CPU
    count, mode, warn_only = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    aid: Any = torch.utils.deterministic  # its attribute is a property of the module, which a type checker does not see
    fill = aid.fill_uninitialized_memory
    python, legacy = random.getstate(), np.random.get_state()
    # this process's GPU alone: to ask another for its state would take memory of it, in each of the processes that share a machine
    with torch.random.fork_rng(devices=[int(os.environ.get("LOCAL_RANK", "0"))] if gpu else []):
        torch.manual_seed(seed)
        torch.use_deterministic_algorithms(strict)
        aid.fill_uninitialized_memory = False  # a debugging aid that costs a tenth of the time
        torch.set_num_threads(threads or count)
        try:
            yield
        except RuntimeError as error:
            if "deterministic implementation" not in str(error):
                raise
            said = str(error).strip().splitlines()[0][:200]
            raise RunFailed(f"trainer.deterministic: {said}", hint="Set trainer.deterministic=false, or choose other layers.") from error
        finally:
            random.setstate(python)
            np.random.set_state(legacy)
            torch.set_num_threads(count)
            aid.fill_uninitialized_memory = fill
            torch.use_deterministic_algorithms(mode, warn_only=warn_only)


@contextmanager
def interruptible() -> Iterator[None]:
    """An interruption stays a KeyboardInterrupt: Lightning would turn it into exit(1)."""
    try:
        yield
    except SystemExit as stop:
        if isinstance(stop.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from None
        raise
