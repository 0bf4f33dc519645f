"""How many bytes of rows wait to be written, by worker: memory that workers and the log's writer share, mapped before the fork."""

from __future__ import annotations

import mmap

__all__ = ["Backlog"]


class Backlog:
    """Two running totals a worker: bytes that it has added, which it counts itself, and bytes that are done with, which the writer counts."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._cells = memoryview(mmap.mmap(-1, 2 * workers * 8)).cast("d")

    def reset(self, worker: int) -> None:
        """A worker has been replaced: what its predecessor had not sent is lost."""
        self._cells[2 * worker + 1] = self._cells[2 * worker]

    def reset_all(self) -> None:
        """The writer has been replaced: what its predecessor had not written is lost."""
        for worker in range(self._workers):
            self.reset(worker)

    def add(self, worker: int, size: float) -> None:
        """So many bytes more wait."""
        self._cells[2 * worker] += size

    def added(self, worker: int) -> float:
        """All bytes that it has ever added."""
        return self._cells[2 * worker]

    def release(self, worker: int, upto: float) -> None:
        """What it had added up to that total waits no more."""
        if upto > self._cells[2 * worker + 1]:
            self._cells[2 * worker + 1] = upto

    def waiting(self, worker: int) -> float:
        """Bytes that wait now."""
        return self._cells[2 * worker] - self._cells[2 * worker + 1]
