"""The requests in flight of a worker, in memory that outlives it.

When a worker is killed, its heir has to know who was being answered. The worker notes each request here when it begins, and takes the note away right before
the answer is handed to the HTTP layer; either costs a tenth of a microsecond. Clients are noted by the hash of their address, the same in both processes.
"""

from __future__ import annotations

import mmap
import time

__all__ = ["InFlight"]

_LARGE = 8192  # bytes of an answer that the kernel may not take in one piece
_KEPT = 1024  # large answers that are remembered


class InFlight:
    """The requests that one worker has begun and not answered, and the clients of its last large answers. Made by the worker before its heir is appointed."""

    __slots__ = ("_cells", "_clock", "_free", "_last", "_ring")

    def __init__(self, most: int) -> None:
        """`most` requests at a time are noted; place 0 is for those beyond, who then count as not begun."""
        self._cells = memoryview(mmap.mmap(-1, 8 * (1 + most))).cast("q")
        self._ring = memoryview(mmap.mmap(-1, 8 * _KEPT)).cast("q")
        self._clock = memoryview(mmap.mmap(-1, 8)).cast("d")
        self._free = list(range(most, 0, -1))
        self._last = 0
        self.beat()

    def enter(self, client: str) -> int:
        """Enter a client's request; its slot."""
        if not self._free:
            return 0
        place = self._free.pop()
        self._cells[place] = hash(client)
        return place

    def leave(self, place: int) -> None:
        """Free the slot of a request that was answered, or will not be."""
        if place:
            self._cells[place] = 0
            self._free.append(place)

    def answering(self, client: str, size: int) -> None:
        """Note the client of a large answer that is about to be sent."""
        if size > _LARGE:
            self._ring[self._last % _KEPT] = hash(client)
            self._last += 1

    def beat(self) -> None:
        """A heartbeat of the worker."""
        self._clock[0] = time.monotonic()

    def silence(self) -> float:
        """Seconds since the last heartbeat."""
        return time.monotonic() - self._clock[0]

    def waiting(self) -> frozenset[int]:
        """The hashes of the clients whose requests had begun."""
        return frozenset(one for one in self._cells if one)

    def large(self) -> frozenset[int]:
        """The hashes of the clients that were sent large answers."""
        return frozenset(one for one in self._ring if one)
