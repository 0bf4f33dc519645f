"""The same application under any ASGI server: an adapter of its requests and responses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping, Sequence
from typing import Any

from mlforge.serving.app import App
from mlforge.serving.context import WorkerContext
from mlforge.serving.plan import Plan
from mlforge.serving.request_log.writer import WriterThread
from mlforge.serving.roster import State

__all__ = ["Asgi"]

_WRITTEN = 10.0  # seconds that a server which stops waits for the request log
Event = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]
Answer = tuple[int, list[tuple[bytes, bytes]], bytes]  # status, headers, body


class Asgi:
    """One worker of a plan, as an ASGI application: it opens its models when the server starts, or is asked first, and drains when it stops.

    The server in front keeps the bounds on connections and headers; those on bodies, rows and time are the application's own.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.context: WorkerContext | None = None
        self._app: App | None = None
        self._writer: WriterThread | None = None  # of the request log

    def open(self) -> App:
        """Open the models, in the loop that will answer. Raises MlforgeError when one cannot be opened."""
        if self._app is None:
            self.plan.ledger.take(0)
            if self.plan.channel is not None:
                self._writer = WriterThread(self.plan.channel)
            self.context = WorkerContext(self.plan, 0, asyncio.get_running_loop())
            self._app = App(self.context)
            self.plan.roster.set(0, State.READY)
        return self._app

    async def close(self) -> None:
        """Let requests under way be answered, and write what was put aside."""
        if self._app is None or self.context is None:
            return
        self.plan.roster.set(0, State.DRAINING)
        await self._app.drained(self.plan.settings.drain)
        self.context.close()
        if self._writer is not None:
            self._writer.end(_WRITTEN)
        self._app = self.context = self._writer = None

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """ASGI: one request, or the server's life."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            status, headers, body = await self.answer(scope, receive)
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": body})
        else:
            await send({"type": f"{scope['type']}.close"})

    async def answer(self, scope: Mapping[str, Any], receive: Receive) -> Answer:
        """The answer to one request."""
        asked = _Asked(receive)
        await self.open()(_Scope(scope), asked)
        assert asked.answer is not None
        return asked.answer

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            told = (await receive())["type"]
            if told == "lifespan.startup":
                self.open()
            else:
                await self.close()
            await send({"type": f"{told}.complete"})
            if told == "lifespan.shutdown":
                return


class _Headers:
    """Names in lower case; of several with one name, the first."""

    __slots__ = ("_of",)

    def __init__(self, pairs: Sequence[tuple[bytes, bytes]]) -> None:
        self._of = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in reversed(pairs)}

    def get(self, key: str, default: Any = None) -> Any:
        return self._of.get(key, default)

    def keys(self) -> list[str]:
        return list(self._of)


class _Scope:
    """What the application reads of a request's head."""

    __slots__ = ("authority", "client", "headers", "method", "path", "proto", "query_string", "scheme")

    def __init__(self, scope: Mapping[str, Any]) -> None:
        self.proto = "http"
        self.method: str = scope["method"]
        self.path: str = _below(scope)
        self.query_string = scope.get("query_string", b"").decode("latin-1")
        self.scheme: str = scope.get("scheme", "http")
        self.authority = None  # the header `host` has it
        self.client = ":".join(map(str, scope.get("client") or ("", 0)))
        self.headers = _Headers(list(scope["headers"]))


def _below(scope: Mapping[str, Any]) -> str:
    """The path, below the place at which the server has mounted the application."""
    path, mounted = scope["path"], scope.get("root_path", "")
    return (path[len(mounted) :] or "/") if mounted and path.startswith(mounted) else str(path)


class _Asked:
    """What the application does with a request: reads its body, and answers it."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.answer: Answer | None = None

    async def __call__(self) -> bytes:
        """The whole body. Raises RuntimeError when it does not come."""
        await asyncio.sleep(0)  # it may be here already; requests that came in the same turn are to be counted first, so that their rows go together
        parts = [part async for part in self._parts()]
        if parts and parts[-1] is None:
            raise RuntimeError("the connection was lost")
        return b"".join(part for part in parts if part)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Chunks as they come and an empty one at the end; two where the body broke off."""
        async for part in self._parts():
            if part is None:
                yield b""
            elif part:
                yield part
        yield b""

    async def _parts(self) -> AsyncIterator[bytes | None]:
        while True:
            event = await self._receive()
            if event["type"] == "http.disconnect":
                yield None
                return
            yield event.get("body", b"")
            if not event.get("more_body", False):
                return

    def response_bytes(self, status: int, headers: Sequence[tuple[str, str]], body: bytes) -> None:
        """The answer."""
        told = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        self.answer = status, [*told, (b"content-length", str(len(body)).encode())], body
