"""A request's body, read within its limits.

A body whose length was announced is read at once: the HTTP layer holds it to its length. One that comes in chunks is counted as it comes. Slow clients
are found by one sweep twice a second, which costs a request far less than a timer of its own.
"""

from __future__ import annotations

import asyncio
from typing import Any

from mlforge.service.limits import Limits
from mlforge.serving.http import Headers, Refused

__all__ = ["BodyReader"]

_LOOK = 0.5  # seconds between looks at who is slow
_FREE = 64  # chunks of any size
_CHUNK = 512  # bytes that further chunks must have on average: each costs as much work, however small it is


class BodyReader:
    """Reads the bodies of one worker's requests."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._reading: dict[asyncio.Task[Any], float] = {}  # until when
        self._late: set[asyncio.Task[Any]] = set()
        self._slow: set[asyncio.Task[Any]] = set()
        self._watch: asyncio.TimerHandle | None = None

    @property
    def slow(self) -> int:
        """Requests whose bodies have not come within a moment: under way, and nothing that the worker could be behind with."""
        return len(self._slow)

    async def read(self, protocol: Any, headers: Headers) -> bytes:
        """The whole body. `protocol` is granian's. Raises Refused: 400, 408, 413 or 415."""
        announced = self._announced(headers)
        if announced == 0:
            return b""
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        self._reading[task] = loop.time() + self._limits.body_seconds
        if self._watch is None:
            self._watch = loop.call_later(_LOOK, self._look, loop)
        try:
            return await (self._chunks(protocol) if announced is None else _all(protocol))
        except asyncio.CancelledError:
            if task not in self._late:
                raise
            task.uncancel()
            raise Refused(408, f"the body did not arrive within {self._limits.body_seconds:g} s", (("connection", "close"),)) from None
        finally:
            del self._reading[task]
            self._slow.discard(task)
            self._late.discard(task)

    def _announced(self, headers: Headers) -> int | None:
        """How long it will be; None when it comes in chunks."""
        encoding = headers.get("content-encoding")
        if encoding and encoding.strip().lower() != "identity":
            raise Refused(415, f"content-encoding {encoding[:40]!r}: bodies are taken as they are, not compressed", (("accept-encoding", "identity"),))
        length = headers.get("content-length")
        if length is None:
            return None if headers.get("transfer-encoding") else 0
        if int(length) > self._limits.body:  # the HTTP layer has seen that it is a number
            raise self._too_large(f"the body has {int(length):,} bytes")
        return int(length)

    async def _chunks(self, protocol: Any) -> bytes:
        parts: list[bytes] = []
        size = ends = 0
        async for part in protocol:
            if not part:
                ends += 1  # the end, and before it one for an error
                continue
            parts.append(part)
            size += len(part)
            if size > self._limits.body:
                raise self._too_large("the body has more bytes")
            if len(parts) > _FREE + size // _CHUNK:
                raise Refused(413, f"the body comes in chunks of {size // len(parts)} bytes; at least {_CHUNK} were expected", (("connection", "close"),))
        if ends > 1:
            raise _broken()
        return b"".join(parts)

    def _too_large(self, found: str) -> Refused:
        return Refused(413, f"{found}; at most {self._limits.body:,} are read", (("connection", "close"),))

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        begun_before = now + self._limits.body_seconds - _LOOK
        for task, until in self._reading.items():
            if until < begun_before:
                self._slow.add(task)
            if until < now and task not in self._late:
                self._late.add(task)
                task.cancel()
        self._watch = loop.call_later(_LOOK, self._look, loop) if self._reading else None


async def _all(protocol: Any) -> bytes:
    try:
        body: bytes = await protocol()
    except RuntimeError:  # granian's: the connection was lost, or what came is no HTTP
        raise _broken() from None
    return body


def _broken() -> Refused:
    return Refused(400, "the body ended before it was complete", (("connection", "close"),))
