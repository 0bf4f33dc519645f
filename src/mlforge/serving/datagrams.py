"""Messages from workers to a sidecar, in datagrams: these arrive whole or not at all, and a worker may be killed at any moment."""

from __future__ import annotations

import os
import select
import socket
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from struct import Struct
from typing import Self

__all__ = ["Inbox", "Line", "Outbox"]

_HEAD = Struct("!IIHH")  # process, message, part, parts
_PART = 96 * 1024  # bytes
_WAITING = 4 * 1024**2  # bytes that may wait for a reader that is replaced, if the system allows as many
_PATIENCE = 5.0  # seconds that a sender waits for the reader, which may just be replaced


@dataclass(frozen=True, slots=True)
class Line:
    """A pair of sockets, made before the fork."""

    inlet: socket.socket  # read by the sidecar
    outlet: socket.socket  # written by all workers

    @classmethod
    def open(cls) -> Self:
        """A new pair."""
        inlet, outlet = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        outlet.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _WAITING)
        return cls(inlet, outlet)

    def close(self) -> None:
        """Close both ends."""
        self.inlet.close()
        self.outlet.close()


class Outbox:
    """A worker's end. Made after the fork; one thread sends."""

    def __init__(self, line: Line) -> None:
        self._outlet, self._numbers = line.outlet, count()
        self._waiting: deque[bytes] = deque()  # parts, in order

    @property
    def waiting(self) -> bool:
        """Is anything queued."""
        return bool(self._waiting)

    def put(self, message: bytes) -> None:
        """Queue a message, in several datagrams where it is large; the reader discards an incomplete one."""
        number = next(self._numbers) % 2**32
        parts = range(0, max(len(message), 1), _PART)
        self._waiting += [_HEAD.pack(os.getpid(), number, place, len(parts)) + message[start : start + _PART] for place, start in enumerate(parts)]

    def flush(self, seconds: float = 0.0) -> bool:
        """Send what is queued, or as much as is read within that time; was that all of it. OSError when the reader's end is closed."""
        until = time.monotonic() + seconds
        while self._waiting:
            try:
                self._outlet.send(self._waiting[0], socket.MSG_DONTWAIT)
                self._waiting.popleft()
            except BlockingIOError:
                if (left := until - time.monotonic()) <= 0:
                    return False
                select.select([], [self._outlet], [], left)
        return True

    def clear(self) -> None:
        """Drop what is queued."""
        self._waiting.clear()

    def send(self, message: bytes) -> None:
        """Send a message now. OSError when the reader does not read."""
        self.put(message)
        if not self.flush(_PATIENCE):
            self.clear()
            raise TimeoutError(f"nobody has taken it for {_PATIENCE:g} s")


class Inbox:
    """The reader's end."""

    def __init__(self, line: Line) -> None:
        self._inlet = line.inlet
        self._begun: dict[int, tuple[int, list[bytes]]] = {}  # by process: the message that is coming, and its parts

    def fileno(self) -> int:
        """The descriptor, for polling."""
        return self._inlet.fileno()

    def messages(self) -> Iterator[bytes]:
        """The complete messages that have arrived."""
        while True:
            try:
                datagram = self._inlet.recv(_PART + _HEAD.size, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return
            if (message := self._joined(datagram)) is not None:
                yield message

    def _joined(self, datagram: bytes) -> bytes | None:
        process, number, place, of = _HEAD.unpack_from(datagram)
        known, parts = self._begun.get(process, (-1, []))
        if place == 0:
            known, parts = number, []
        if known != number or len(parts) != place:  # its beginning was read by a reader that has died
            self._begun.pop(process, None)
            return None
        parts.append(datagram[_HEAD.size :])
        if len(parts) < of:
            self._begun[process] = (number, parts)
            return None
        self._begun.pop(process, None)
        return b"".join(parts)
