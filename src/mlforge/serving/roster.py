"""The state of each worker, in memory that the supervisor and all workers share."""

from __future__ import annotations

import mmap
import time
from collections.abc import Iterator
from enum import IntEnum

__all__ = ["Roster", "State"]

_WORDS = 4  # a worker's state, its process id, when it last gave a sign of life in milliseconds, and its heir's process id
_SILENT = 5.0  # seconds after which a worker that gives no sign of life is not counted as ready


class State(IntEnum):
    """The state of a worker."""

    GONE = 0
    STARTING = 1
    READY = 2
    DRAINING = 3


class Roster:
    """A slot for each worker. Made before the fork; each worker writes its own slot, and the supervisor clears those of dead ones."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._cells = memoryview(mmap.mmap(-1, max(1, workers) * _WORDS * 8)).cast("q")

    def set(self, worker: int, state: State, pid: int | None = None) -> None:
        """Set a worker's state."""
        self._cells[worker * _WORDS] = state
        if pid is not None:
            self._cells[worker * _WORDS + 1] = pid
        self.beat(worker)

    def beat(self, worker: int) -> None:
        """A heartbeat."""
        self._cells[worker * _WORDS + 2] = int(time.monotonic() * 1000)

    def silence(self, worker: int) -> float:
        """Seconds since a worker's last heartbeat."""
        return time.monotonic() - self._cells[worker * _WORDS + 2] / 1000

    def state(self, worker: int) -> State:
        """A worker's state."""
        return State(self._cells[worker * _WORDS])

    def pid(self, worker: int) -> int:
        """A worker's process; 0 when it has none."""
        return self._cells[worker * _WORDS + 1]

    def appoint(self, worker: int, heir: int) -> None:
        """Note the process that answers a worker's clients when it dies."""
        self._cells[worker * _WORDS + 3] = heir

    def heir(self, worker: int) -> int:
        """That process; 0 when there is none."""
        return self._cells[worker * _WORDS + 3]

    def states(self) -> Iterator[State]:
        """Of each worker."""
        return (self.state(worker) for worker in range(self.workers))

    @property
    def live(self) -> int:
        """How many are ready, and not stuck."""
        return sum(self.state(worker) is State.READY and self.silence(worker) < _SILENT for worker in range(self.workers))

    @property
    def ready(self) -> bool:
        """Is every worker there and ready for requests."""
        return self.live == self.workers
