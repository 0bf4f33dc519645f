"""Shared memory in which workers report the assignment that they have reached and their counts of two versions; made before the fork."""

from __future__ import annotations

import mmap
import socket

from mlforge.serving.ledger import Ledger
from mlforge.serving.rollout.figures import WIDTH, Figures
from mlforge.serving.rollout.meters import Meters
from mlforge.serving.roster import Roster, State

__all__ = ["INCUMBENT", "NEWCOMER", "Board"]

INCUMBENT, NEWCOMER = 0, 1
_HEAD = 2  # the assignment that a worker is at, and whether it could not open that one's versions
_ROW = _HEAD + 2 * WIDTH


class Board:
    """The memory of one model. Each worker writes its own row; the controller reads all."""

    def __init__(self, roster: Roster, ledger: Ledger, model: str) -> None:
        self._roster = roster
        self.meters = Meters.of(ledger, model)
        self.copies, self.copying = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)  # for the shadow: where they are read, and written
        self._memory = memoryview(mmap.mmap(-1, max(1, roster.workers) * _ROW * 8)).cast("d")

    def cells(self, worker: int, slot: int) -> memoryview[float]:
        """What a worker counts of one of the two versions."""
        start = worker * _ROW + _HEAD + slot * WIDTH
        return self._memory[start : start + WIDTH]

    def reached(self, worker: int, generation: int, *, failed: bool = False) -> None:
        """Note that a worker has put this assignment in force, or has failed to."""
        self._memory[worker * _ROW + 1] = generation if failed else 0.0
        if not failed:
            self._memory[worker * _ROW] = generation

    def everybody(self, generation: int) -> bool:
        """Have all ready workers put this assignment in force."""
        ready = [worker for worker, state in enumerate(self._roster.states()) if state is State.READY]
        return bool(ready) and all(self._memory[worker * _ROW] >= generation for worker in ready)

    def failed(self, generation: int) -> bool:
        """Has some worker failed to open what this assignment needs."""
        return any(self._memory[worker * _ROW + 1] == generation for worker in range(self._roster.workers))

    def figures(self, slot: int) -> Figures:
        """Of one of the two versions, over all workers, since the server began."""
        import numpy as np

        rows = np.asarray(self._memory).reshape(-1, _ROW)[:, _HEAD + slot * WIDTH : _HEAD + (slot + 1) * WIDTH]
        return Figures(rows.sum(axis=0).astype(np.int64))

    def close(self) -> None:
        """Close the sockets for copies; the memory goes with the process."""
        self.copies.close()
        self.copying.close()
