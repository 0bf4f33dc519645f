"""The order in which an epoch goes through rows: all of them shuffled, or window after window where they are more than memory should hold. Imports torch."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
import torch

__all__ = ["Order", "shuffled"]

_BLOCK = 1 << 20  # bytes of neighbouring rows that are read together: a disk gives them about as fast as a single one


class Order:
    """A permutation of the rows that follows from seed, epoch, and the rows' number and size: never from the machine, nor from what was read before.

    Rows of more than `within` bytes are cut into blocks of neighbours; the blocks are shuffled, put together to windows of at most `within` bytes, and the rows
    of a window shuffled. So each row may come at any time, and memory-mapped rows are read from disk once in an epoch, in large pieces.
    """

    def __init__(
        self, rows: int, seed: int, epoch: int, *, row_bytes: int = 1, within: int | None = None, soon: Callable[[int, int], None] | None = None
    ) -> None:
        """`soon` is told which rows, from a first to before a last, will be asked for next."""
        self._rows, self._key, self._soon = rows, (seed, epoch), soon
        whole = within is None or rows * row_bytes <= within
        self._block = max(1, rows) if whole else max(1, _BLOCK // row_bytes)
        blocks = -(-rows // self._block)
        self._blocks = np.arange(blocks) if whole else np.random.default_rng(self._key).permutation(blocks)
        self._each = 1 if within is None or whole else max(1, within // (self._block * row_bytes))  # blocks of a window
        sizes = np.minimum(self._block, rows - self._blocks * self._block)
        self._starts = np.concatenate([[0], np.cumsum(np.add.reduceat(sizes, np.arange(0, blocks, self._each)))]) if blocks else np.zeros(1, np.int64)
        self._known: dict[int, np.ndarray] = {}
        self._lock = threading.Lock()

    def __getitem__(self, places: slice | torch.Tensor) -> torch.Tensor:
        """The rows at these places of the epoch."""
        wanted = np.arange(*places.indices(self._rows)) if isinstance(places, slice) else places.numpy()
        if len(self._starts) == 2:
            return torch.from_numpy(self._window(0)[wanted])
        windows = np.searchsorted(self._starts, wanted, side="right") - 1
        found = np.empty(len(wanted), np.int64)
        for window in np.unique(windows):
            here = windows == window
            found[here] = self._window(int(window))[wanted[here] - self._starts[window]]
        return torch.from_numpy(found)

    def _window(self, number: int) -> np.ndarray:
        """The rows of a window in their order; the last two are remembered, for loaders that work ahead."""
        with self._lock:
            if number not in self._known:
                while len(self._known) > 1:
                    del self._known[next(iter(self._known))]
                for coming in (number, number + 1) if not self._known else (number + 1,):
                    self._announce(coming)
                self._known[number] = self._shuffled(number)
            return self._known[number]

    def _announce(self, number: int) -> None:
        """Rows of a window in any order would be read a page at a time; its blocks can be read whole while the window before it is worked through."""
        if self._soon is not None and len(self._starts) > 2:
            for block in self._blocks[number * self._each : (number + 1) * self._each].tolist():
                self._soon(block * self._block, min(self._rows, (block + 1) * self._block))

    def _shuffled(self, number: int) -> np.ndarray:
        if len(self._starts) <= 2:
            return shuffled(self._rows, *self._key)
        blocks = self._blocks[number * self._each : (number + 1) * self._each]
        rows = (blocks[:, None] * self._block + np.arange(self._block)).reshape(-1)
        permuted: np.ndarray = np.random.default_rng((*self._key, number)).permutation(rows[rows < self._rows])
        return permuted


def shuffled(rows: int, seed: int, epoch: int) -> np.ndarray:
    """The order of the rows in an epoch (from 0), where all are shuffled at once."""
    return np.random.default_rng((seed, epoch)).permutation(rows)
