"""What is counted of a version while two are compared: failed answers, how long runs took, and what was decided."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log2
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["BINS", "DECISIONS", "GROWTH", "SIZES", "WIDTH", "Figures", "Recorder", "bin_of", "size_of", "upper"]

SIZES = 7  # a run of 1, of 2 or 3, of 4 to 7, … of 64 rows or more is compared with runs of that size only
BINS = 160  # of a run's time, each this much longer than the one before
GROWTH = 2 ** (1 / 8)
_FIRST = 8e-6  # seconds: the upper end of the first bin; the last ends at 8 s
DECISIONS = 32  # classes, the further ones together with the earlier; or quintiles of a value
_RUNS = SIZES * BINS
_DECIDED = 2 + _RUNS
WIDTH = _DECIDED + DECISIONS
_SETTLING = 30  # runs of a version that has just been opened are slower, and say nothing


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts since the server began, of all workers; the difference of two says what came between."""

    cells: NDArray[np.int64]

    @classmethod
    def none(cls) -> Figures:
        """All zero."""
        import numpy as np

        return cls(np.zeros(WIDTH, np.int64))

    def __sub__(self, earlier: Figures) -> Figures:
        return Figures(self.cells - earlier.cells)

    def __add__(self, other: Figures) -> Figures:
        return Figures(self.cells + other.cells)

    @property
    def requests(self) -> int:
        """Answered, or failed to be."""
        return int(self.cells[0])

    @property
    def failures(self) -> int:
        """Of those: the graph raised, took too long, or gave what is no number."""
        return int(self.cells[1])

    @property
    def runs(self) -> NDArray[np.int64]:
        """Runs by size and time, [SIZES, BINS]."""
        return self.cells[2:_DECIDED].reshape(SIZES, BINS)

    @property
    def decisions(self) -> NDArray[np.int64]:
        """Requests by what was predicted for their first row, [DECISIONS]."""
        return self.cells[_DECIDED:]


class Recorder:
    """Counts one version's answers in one worker, in shared memory that the controller reads without locks."""

    def __init__(self, cells: memoryview[float]) -> None:
        self._cells = cells  # WIDTH float64, written by this worker alone
        self._settled = -_SETTLING

    def run(self, seconds: float, rows: int) -> None:
        """A run of the graph was over."""
        self._settled += 1
        if self._settled > 0:
            self._cells[2 + size_of(rows) * BINS + bin_of(seconds)] += 1

    def answered(self, requests: int, failures: int = 0) -> None:
        """So many requests were answered, of which so many failed."""
        self._cells[0] += requests
        self._cells[1] += failures

    def decided(self, decisions: NDArray[np.int64]) -> None:
        """These were predicted: codes from 0, one for each request."""
        for code in (decisions % DECISIONS).tolist():
            self._cells[_DECIDED + code] += 1


def size_of(rows: int) -> int:
    """The size class of a run."""
    return min(rows.bit_length(), SIZES) - 1 if rows else 0


def bin_of(seconds: float) -> int:
    """The bin of a time."""
    return min(max(ceil(8 * log2(seconds / _FIRST)), 0), BINS - 1) if seconds > 0 else 0


def upper(position: int) -> float:
    """The longest time of a bin, in seconds."""
    return float(_FIRST * GROWTH**position)
