"""Running out of memory: told from other errors, and met once by working off each step in twice as many portions. Imports torch."""

from __future__ import annotations

import gc
from collections.abc import Callable

import torch

from mlforge.components import Fitting
from mlforge.errors import RunFailed
from mlforge.finding import Finding

__all__ = ["halving"]


def halving(fitting: Fitting, size: int, portions: int, fit: Callable[[int], None], *, may: bool) -> None:
    """Fit in so many portions a step; when memory runs out and it `may`, once more in twice as many, which comes to the same. Raises RunFailed."""
    try:
        fit(portions)
        return
    except RuntimeError as error:
        if not _out_of_memory(error):
            raise
        said = str(error).strip().splitlines()[0][-200:]
    if not may or 2 * portions > size:
        hint = f"Try trainer.accumulate={2 * portions}, trainer.activation_checkpointing=true, or a smaller model."
        raise RunFailed(f"trainer: out of memory with {-(-size // portions)} rows at a time: {said}", hint=hint)
    gc.collect()  # what the error held on to
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    rows = -(-size // (2 * portions))
    text = f"out of memory with {-(-size // portions)} rows at a time: each step of {size} rows is now made from {2 * portions} portions of {rows}"
    fitting.find(Finding(name="train/micro_batch", value=rows, unit="rows", volatile=True, text=text))
    halving(fitting, size, 2 * portions, fit, may=False)


def _out_of_memory(error: RuntimeError) -> bool:
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)  # on a CPU only the text tells
