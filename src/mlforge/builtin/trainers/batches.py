"""Whole batches, indexed at once: collating row by row costs more than a small network's step. Imports torch."""

from __future__ import annotations

import os
import time
import warnings
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from mlforge.builtin.trainers.order import Order
from mlforge.components import Place, Tensors

__all__ = ["Batch", "Batches", "Pace"]

_AHEAD = 2  # batches that each worker has ready
_WARM = 10  # batches that pace does not count, where there are more than twice as many: compiling and warming up happen in them
_FEWEST = 2  # rows of a portion: layers that normalise over a batch cannot learn from a single row


class Batch(NamedTuple):
    """What a training or validation step gets."""

    blocks: tuple[torch.Tensor, ...]
    target: torch.Tensor
    weight: torch.Tensor | None  # of each row
    real: int  # so many rows count; those after them only give the batch a shape
    taught: torch.Tensor | None = None  # what a teacher says of each row
    scale: float | None = None
    """What to multiply the weighted sum of the rows' losses with, so that the mean over all portions of a step, on all ranks, is the step's weighted mean
    loss. None: the batch is the whole step."""


@dataclass
class Pace:
    """How fast batches were taken, and how long whoever took them had to wait for them."""

    batches: int = 0  # below 0: those do not count
    rows: int = 0
    waited: float = 0.0  # seconds
    seconds: float = 0.0  # from asking for a batch to asking for the next

    def note(self, rows: int, waited: float, seconds: float) -> None:
        """Take down a batch."""
        self.batches += 1
        if self.batches > 0:
            self.rows, self.waited, self.seconds = self.rows + rows, self.waited + waited, self.seconds + seconds


class Batches:
    """A loader over one part: blocks, target and weight of so many rows at a time.

    With a seed, rows come in an order that depends on the seed and the epoch alone, so that a run that is continued sees what an undisturbed one sees; rows of
    more than `within` bytes are shuffled in windows of that size, so that memory-mapped ones need no more memory. `size`
    counts the rows of a whole step: its portions (gradients are summed over them) and the ranks of `place` share them, every row exactly once. Every rank gets
    equally many batches, and sees no other rank's rows.
    """

    def __init__(
        self,
        tensors: Tensors,
        size: int,
        *,
        seed: int | None = None,
        weight: np.ndarray | None = None,
        limit: int | None = None,
        place: Place | None = None,
        portions: int = 1,
        workers: int = 0,
        pin: bool = False,
        within: int | None = None,
    ) -> None:
        self.blocks, self.target = tuple(_tensor(block) for block in tensors.blocks), _tensor(tensors.target)
        self.weight = None if weight is None else _tensor(weight)
        self.taught = None if tensors.taught is None else _tensor(tensors.taught)
        self.within, self.files = within, tuple(block for block in tensors.blocks if isinstance(block, np.memmap))
        self.size, self.seed, self.limit, self.portions, self.workers, self.pin = size, seed, limit, portions, workers, pin
        self.place = place or Place()
        self.epoch = 0
        self.start = 0  # steps of this epoch that are done already
        self.pace = Pace()

    @property
    def steps(self) -> int:
        """Steps of a whole epoch."""
        whole = -(-len(self.target) // self.size)
        return whole if self.limit is None else min(whole, self.limit)

    def __len__(self) -> int:
        return (self.steps - self.start) * self.portions

    def __iter__(self) -> Iterator[Batch]:
        size = sum(block[:1].nbytes for block in self.blocks)
        order = None if self.seed is None else Order(len(self.target), self.seed, self.epoch, row_bytes=size, within=self.within, soon=self._soon)
        made = self._in_turn(order) if self.workers == 0 else self._ahead(order)
        if self.pace.batches == 0 and len(self) > 2 * _WARM:
            self.pace = Pace(-_WARM)
        left = len(self)
        while True:
            began = time.perf_counter()
            batch = next(made, None)
            came = time.perf_counter()
            if batch is None:
                return
            yield batch
            left -= 1
            if self.pin and not left:
                torch.cuda.synchronize()  # what it was given is not done yet
            self.pace.note(batch.real, came - began, time.perf_counter() - began)

    def _soon(self, first: int, last: int) -> None:
        """Have the system read these rows of mapped files in the background."""
        for block in self.files if hasattr(os, "posix_fadvise") else ():
            each = block.itemsize * block.shape[1]
            with Path(str(block.filename)).open("rb") as file:
                os.posix_fadvise(file.fileno(), block.offset + first * each, (last - first) * each, os.POSIX_FADV_WILLNEED)

    def _in_turn(self, order: Order | None) -> Iterator[Batch]:
        return (self._portion(order, k) for k in range(self.start * self.portions, self.steps * self.portions))

    def _ahead(self, order: Order | None) -> Iterator[Batch]:
        """The same batches in the same order, made by threads while others are worked with: indexing and reading a memory map do not hold other threads up."""
        rest = iter(range(self.start * self.portions, self.steps * self.portions))
        with ThreadPoolExecutor(self.workers, thread_name_prefix="mlforge-loader") as pool:
            coming: deque[Future[Batch]] = deque()
            try:
                while True:
                    while len(coming) < _AHEAD * self.workers and (k := next(rest, None)) is not None:
                        coming.append(pool.submit(self._portion, order, k))
                    if not coming:
                        return
                    yield coming.popleft().result()
            finally:
                for waiting in coming:
                    waiting.cancel()

    def _portion(self, order: Order | None, k: int) -> Batch:
        """Portion k of the epoch, as far as it is this rank's."""
        step, portion = divmod(k, self.portions)
        first, last = step * self.size, min((step + 1) * self.size, len(self.target))
        shares = self.portions * self.place.world
        if shares == 1 and (last - first >= _FEWEST or len(self.target) < _FEWEST):
            return self._batch(slice(first, last) if order is None else order[first:last], last - first, None)
        share, rows = portion * self.place.world + self.place.rank, last - first
        start, stop = first + rows * share // shares, first + rows * (share + 1) // shares
        shape = torch.arange(start, max(stop, start + _FEWEST)) % len(self.target)  # what is beyond `stop` does not count
        whole = float(rows) if self.weight is None else float(self.weight[_some(order, torch.arange(first, last))].sum())
        return self._batch(_some(order, shape), stop - start, shares / max(whole, 1e-12))

    def _batch(self, index: slice | torch.Tensor, real: int, scale: float | None) -> Batch:
        blocks, target = tuple(_copied(block, index) for block in self.blocks), _copied(self.target, index)
        weight, taught = (None if one is None else _copied(one, index) for one in (self.weight, self.taught))
        if self.pin:
            blocks, target = tuple(block.pin_memory() for block in blocks), target.pin_memory()
            weight, taught = (None if one is None else one.pin_memory() for one in (weight, taught))
        return Batch(blocks, target, weight, real, taught, scale)


def _copied(tensor: torch.Tensor, index: slice | torch.Tensor) -> torch.Tensor:
    return tensor[index].clone() if isinstance(index, slice) else tensor[index]


def _some(order: Order | None, positions: torch.Tensor) -> torch.Tensor:
    return positions if order is None else order[positions]


def _tensor(array: np.ndarray) -> torch.Tensor:
    """The array's own memory. A file that is mapped may only be read, which torch warns of: whole batches are copies, and nobody writes to these."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The given NumPy array is not writable")
        return torch.from_numpy(np.asarray(array))
