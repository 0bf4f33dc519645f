"""Running out of memory: told from other errors, and met once by working off each step in twice as many portions. Imports torch.

Processes of one fit do not run out of it together: the one that does leaves word in the folder that all of them read, and all begin again.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from contextlib import suppress

import torch

from mlforge.components import Fitting
from mlforge.errors import RunFailed
from mlforge.finding import Finding

__all__ = ["agreed", "halving"]

_TEXTS = ("can't allocate memory", "CUDA error: out of memory", "CUBLAS_STATUS_ALLOC_FAILED", "CUDNN_STATUS_ALLOC_FAILED")
"""What only the text tells: on a CPU, and of libraries that ask for memory of their own."""
_WORD = "portions"  # a file in the fit's work folder


def agreed(fitting: Fitting, size: int, portions: int) -> int:
    """In how many portions each step is worked off: more than these, when one of the processes has run out of memory with them."""
    with suppress(FileNotFoundError):
        more = int((fitting.work / _WORD).read_text())
        if more > portions:
            if fitting.place.first:
                _tell(fitting, size, portions, more)
            return more
    return portions


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
        hint = f"Try trainer.accumulate={2 * portions}, trainer.checkpoint_activations=true, or a smaller model."
        raise RunFailed(f"trainer: out of memory with {-(-size // portions)} rows at a time: {said}", hint=hint)
    if fitting.place.world > 1:
        (fitting.work / _WORD).write_text(str(2 * portions))
        (fitting.work / "again").touch()
        hint = f"The same command goes on, with each step made from {2 * portions} portions."
        raise RunFailed(f"trainer: out of memory with {-(-size // portions)} rows at a time: {said}", hint=hint)
    gc.collect()  # what the error held on to
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    _tell(fitting, size, portions, 2 * portions)
    halving(fitting, size, 2 * portions, fit, may=False)


def _tell(fitting: Fitting, size: int, before: int, portions: int) -> None:
    rows = -(-size // portions)
    text = f"out of memory with {-(-size // before)} rows at a time: each step of {size} rows is now made from {portions} portions of {rows}"
    fitting.find(Finding(name="train/micro_batch", value=rows, unit="rows", volatile=True, text=text))


def _out_of_memory(error: RuntimeError) -> bool:
    return isinstance(error, torch.OutOfMemoryError) or any(text in str(error) for text in _TEXTS)
