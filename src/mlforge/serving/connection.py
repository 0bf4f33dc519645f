"""What the kernel knows of a connection, and whether its client waits for an answer.

Linux only. The times have the grain of the kernel's clock (1 to 10 ms), so a request that came in the same instant as the answer before it looks like one that
was answered in that instant. Which it was is then decided by how long ago that is; a client that waits for nothing drops what it is told, and connects anew.
"""

from __future__ import annotations

import fcntl
import socket
import struct
import termios
from dataclasses import dataclass
from typing import Self

__all__ = ["Connection"]

_INFO = struct.Struct("=44xI4xI96xII")  # of tcp_info: ms since data was sent, ms since data was received; segments with data that came, and that went
_LEAST = _INFO.size  # bytes; older kernels tell less
_FRESH = 500  # milliseconds for which a request may wait until a worker that lives begins it


@dataclass(frozen=True, slots=True)
class Connection:
    """The state of one connection when its worker died."""

    client: str  # as the HTTP layer writes its address
    came: int  # segments with data that came
    went: int  # segments with data that went
    unread: int  # bytes that came and that nobody has read
    unsent: int  # bytes that the client has not acknowledged
    since_came: int  # milliseconds
    since_went: int  # milliseconds

    @classmethod
    def of(cls, one: socket.socket) -> Self:
        """Look at a connection. Raises OSError when it is none any more, or the kernel does not tell."""
        told = one.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _LEAST)
        if len(told) < _LEAST:
            raise OSError("this kernel tells too little of a connection")
        since_went, since_came, came, went = _INFO.unpack(told)
        return cls(_shown(one), came, went, _count(one, termios.FIONREAD), _count(one, termios.TIOCOUTQ), since_came, since_went)

    @property
    def new(self) -> bool:
        """Has its client said nothing yet: a request is about to come."""
        return not self.came and not self.unread

    def waits(self, begun: bool, large: bool, silence: float = 0.0) -> bool:
        """Does the client wait for an answer of which nothing was sent.

        `begun`: its request was begun; `large`: it was sent a large answer lately; `silence`: seconds for which the worker has done nothing.
        """
        if self.unsent:
            return False  # a client that has asked again has all of the answer before; so this is an answer that was being sent
        if begun:
            return True
        if self.new:
            return False
        if not self.went or self.since_came < self.since_went:
            return True  # nothing was said since it asked
        if large:
            return False  # the rest of its answer may be missing, and what is said now would be taken for that
        return self.unread > 0 or (self.since_came == self.since_went and self.since_came <= _FRESH + silence * 1000)


def _shown(one: socket.socket) -> str:
    host, port = one.getpeername()[:2]
    return f"[{host}]:{port}" if one.family == socket.AF_INET6 else f"{host}:{port}"


def _count(one: socket.socket, what: int) -> int:
    count: int = struct.unpack("i", fcntl.ioctl(one, what, b"\0\0\0\0"))[0]
    return count
