"""Messages from workers to the collector, in datagrams: these arrive whole or not at all, and a worker may be killed at any moment."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from itertools import count
from struct import Struct

__all__ = ["Inbox", "Outbox", "line"]

_HEAD = Struct("!IIHH")  # process, message, part, parts
_PART = 96 * 1024  # bytes
_WAITING = 4 * 1024**2  # bytes that may wait for a collector that is replaced, if the system allows as many
_PATIENCE = 5.0  # seconds that a sender waits for the collector, which may just be replaced


def line() -> tuple[socket.socket, socket.socket]:
    """A pair of sockets: the collector's end, and the one that all workers share. Made before the fork."""
    inlet, outlet = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    outlet.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _WAITING)
    return inlet, outlet


class Outbox:
    """A worker's end. Made after the fork."""

    def __init__(self, line: socket.socket) -> None:
        self._line, self._numbers = line, count()
        line.settimeout(_PATIENCE)

    def send(self, message: bytes) -> None:
        """Send a message, in several datagrams where it is large. OSError when the collector does not read; an incomplete message is discarded there."""
        number = next(self._numbers)
        parts = range(0, max(len(message), 1), _PART)
        for place, start in enumerate(parts):
            self._line.send(_HEAD.pack(os.getpid(), number, place, len(parts)) + message[start : start + _PART])


class Inbox:
    """The collector's end."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self._begun: dict[int, tuple[int, list[bytes]]] = {}  # by process: the message that is coming, and its parts

    def fileno(self) -> int:
        """The descriptor, for polling."""
        return self._line.fileno()

    def messages(self) -> Iterator[bytes]:
        """The complete messages that have arrived."""
        while True:
            try:
                datagram = self._line.recv(_PART + _HEAD.size, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return
            if (message := self._joined(datagram)) is not None:
                yield message

    def _joined(self, datagram: bytes) -> bytes | None:
        process, number, place, of = _HEAD.unpack_from(datagram)
        known, parts = self._begun.get(process, (-1, []))
        if place == 0:
            known, parts = number, []
        if known != number or len(parts) != place:  # its beginning was read by a collector that has died
            self._begun.pop(process, None)
            return None
        parts.append(datagram[_HEAD.size :])
        if len(parts) < of:
            self._begun[process] = (number, parts)
            return None
        self._begun.pop(process, None)
        return b"".join(parts)
