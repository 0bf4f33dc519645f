"""How long rows take, learned from the batches that went through a graph."""

from __future__ import annotations

__all__ = ["Pace"]

_NEW = 0.05  # weight of a new measurement
_LARGEST = 16_384  # rows of a batch
_SHARE = 0.25  # of the objective, for one batch


class Pace:
    """seconds(rows) = fixed + rows × each, both learned; and what follows from the objective."""

    def __init__(self, objective: float, first: float) -> None:
        """`objective` in seconds; `first` is what one row took when the engine was warmed."""
        self.longest = objective  # that a request may be expected to wait
        self.fixed = first
        self.each = first / 16  # until it is known better: rows together are cheaper than one by one
        self._budget = objective * _SHARE
        self.rows = self._fitting()

    def seconds(self, rows: int) -> float:
        """What a batch of so many rows will take."""
        return self.fixed + rows * self.each

    def learn(self, rows: int, seconds: float) -> None:
        """A batch took so long. Small ones tell of what is fixed, large ones of each row."""
        if rows <= 2:
            self.fixed += _NEW * (seconds - self.fixed)
        else:
            self.each += _NEW * (max(0.0, seconds - self.fixed) / rows - self.each)
        self.rows = self._fitting()

    def _fitting(self) -> int:
        """Rows that go together, so that a batch takes no more than its share of the objective."""
        room = (self._budget - self.fixed) / self.each if self.each > 0 else _LARGEST
        return int(min(_LARGEST, max(1.0, room)))
