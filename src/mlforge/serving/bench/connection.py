"""One keep-alive connection that asks raw HTTP/1.1: nothing between the clock and the socket but what finds an answer's end."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import cast

__all__ = ["BROKEN", "Connection", "head"]

BROKEN = 0
"""The status of an answer that did not come, for the connection was closed before."""

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
_CLOSE = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)


def head(host: str, path: str, length: int, key: str = "") -> bytes:
    """The lines before a body of JSON."""
    lines = [f"POST {path} HTTP/1.1", f"host: {host}", "content-type: application/json", f"content-length: {length}"]
    return "\r\n".join([*lines, *([f"authorization: Bearer {key}"] if key else []), "", ""]).encode("latin-1")


class Connection(asyncio.Protocol):
    """Asks one thing at a time. `answered` is called with the status of each answer, `lost` when the connection is gone."""

    def __init__(self, answered: Callable[[Connection, int], None], lost: Callable[[Connection], None]) -> None:
        self._answered, self._lost = answered, lost
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._ends: int | None = None  # where the answer ends in the buffer, once its head is there; -1 for chunks
        self.asked: float | None = None  # when what is under way began; None while nothing is

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio's."""
        self._transport = cast(asyncio.Transport, transport)

    def ask(self, request: bytes, at: float) -> None:
        """Send a request that counts from a moment of the loop's clock."""
        assert self._transport is not None
        self.asked = at
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """asyncio's: an answer is here when its length is."""
        self._buffer += data
        if self._ends is None and (blank := self._buffer.find(b"\r\n\r\n")) >= 0:
            begins = bytes(self._buffer[: blank + 2])
            length = _LENGTH.search(begins)
            self._ends = blank + 4 + int(length[1]) if length else -1 if _CHUNKED.search(begins) else blank + 4
        if self._ends is None or (len(self._buffer) < self._ends if self._ends >= 0 else not self._buffer.endswith(b"\r\n0\r\n\r\n")):
            return
        status, closes = int(self._buffer[9:12]), _CLOSE.search(self._buffer, 0, self._buffer.find(b"\r\n\r\n") + 2) is not None
        self._buffer.clear()
        self._ends = None
        if closes:
            self._transport = None
        self._answered(self, status)

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio's: what was under way is broken."""
        self._transport = None
        if self.asked is not None:
            self._answered(self, BROKEN)
        self._lost(self)

    @property
    def is_open(self) -> bool:
        """May it be asked."""
        return self._transport is not None and not self._transport.is_closing()

    def close(self) -> None:
        """Whatever comes is not waited for."""
        if self._transport is not None:
            self._transport.abort()
