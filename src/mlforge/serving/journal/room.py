"""How many bytes of rows wait to be written, worker by worker: memory that workers and the log's writer share, made before the fork."""

from __future__ import annotations

import mmap

__all__ = ["Room"]


class Room:
    """Two running totals a worker: what it has offered, which it counts itself, and what is done with, which the writer says."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._cells = memoryview(mmap.mmap(-1, 2 * workers * 8)).cast("d")

    def begin(self, worker: int) -> None:
        """A worker begins: what its predecessor had not handed over is gone."""
        self._cells[2 * worker + 1] = self._cells[2 * worker]

    def offer(self, worker: int, size: float) -> None:
        """So many bytes more wait."""
        self._cells[2 * worker] += size

    def offered(self, worker: int) -> float:
        """All that it has ever offered."""
        return self._cells[2 * worker]

    def release(self, worker: int, upto: float) -> None:
        """What it had offered up to that total waits no more."""
        if upto > self._cells[2 * worker + 1]:
            self._cells[2 * worker + 1] = upto

    def waiting(self, worker: int) -> float:
        """What waits now."""
        return self._cells[2 * worker] - self._cells[2 * worker + 1]

    def forget(self) -> None:
        """A writer begins: what the one before it held is gone."""
        for worker in range(self._workers):
            self.begin(worker)
