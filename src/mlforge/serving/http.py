"""A request and its response, as endpoints see them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import parse_qsl, quote

import orjson

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["JSON", "LONGEST_ID", "TEXT", "Headers", "Refused", "Request", "Response", "headed", "nameable", "problem", "reply_json"]

LONGEST_ID = 128  # characters of a request's name

JSON: tuple[tuple[str, str], ...] = (("content-type", "application/json"),)
TEXT: tuple[tuple[str, str], ...] = (("content-type", "text/plain; charset=utf-8"),)


class Headers(Protocol):
    """What came with a request; names in lower case."""

    def get(self, key: str, default: Any = None) -> Any: ...  # noqa: D102 - as of a mapping
    def keys(self) -> list[str]: ...  # noqa: D102 - as of a mapping


class Response:
    """An answer: status, headers, and a body of bytes."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, body: bytes = b"", headers: Sequence[tuple[str, str]] = JSON) -> None:
        self.status, self.body, self.headers = status, body, headers


class Refused(Exception):
    """An HTTP error, to be raised anywhere on the way of a request."""

    def __init__(self, status: int, message: str, headers: Sequence[tuple[str, str]] = (), more: Mapping[str, object] | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.headers, self.more = status, message, headers, more

    def response(self) -> Response:
        """As it is answered."""
        return problem(self.status, self.message, self.headers, self.more)


class Request:
    """One request. `params` has what the route's path leaves open."""

    __slots__ = ("_read", "_scope", "headers", "id", "params", "path")

    def __init__(self, scope: Any, params: Mapping[str, str], read: Callable[[], Awaitable[bytes]]) -> None:
        self._scope, self._read = scope, read
        self.path: str = scope.path
        self.headers: Headers = scope.headers
        self.params = params
        self.id = ""

    @property
    def method(self) -> str:
        """GET, POST, …"""
        return str(self._scope.method)

    @property
    def scheme(self) -> str:
        """The scheme it came by: http or https."""
        return str(self._scope.scheme)

    @property
    def authority(self) -> str:
        """Host and port, as the client named them."""
        return str(self._scope.authority or self.headers.get("host") or "")

    @property
    def client(self) -> str:
        """Address of the client, as the connection has it."""
        return str(self._scope.client)

    def query(self, name: str, default: str = "") -> str:
        """A parameter of the query; the last one of that name."""
        text = self._scope.query_string
        return dict(parse_qsl(text, keep_blank_values=True)).get(name, default) if text else default

    def flag(self, name: str, default: bool) -> bool:
        """A parameter of the query that is true or false. Raises Refused for anything else."""
        said = self.query(name)
        if said not in ("", "true", "false", "1", "0"):
            raise Refused(400, f"query: {name} is {said[:40]!r}; true or false was expected")
        return default if not said else said in ("true", "1")

    def patience(self) -> float | None:
        """Seconds that the client waits, where it says so in a header. Raises Refused for what is no number of milliseconds."""
        said = self.headers.get("x-deadline-ms")
        if not said:
            return None
        try:
            given = float(said)
        except ValueError:
            given = math.nan
        if not given > 0:
            raise Refused(400, f"x-deadline-ms is {said[:40]!r}; a positive number of milliseconds was expected")
        return given / 1000

    async def body(self) -> bytes:
        """The whole body, within the limits. Raises Refused beyond them."""
        return await self._read()


def nameable(ident: str) -> bool:
    """Can a request have this name, by which the log keeps it and labels find it."""
    return 0 < len(ident) <= LONGEST_ID and ident.isprintable()


def headed(name: str) -> str:
    """A name as a header bears it: letters beyond ASCII as in a URL."""
    return name if name.isascii() else quote(name, safe=" ")


def reply_json(value: object, status: int = 200, headers: Sequence[tuple[str, str]] = ()) -> Response:
    """An answer in JSON."""
    return Response(status, orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY), (*JSON, *headers))


def problem(status: int, message: str, headers: Sequence[tuple[str, str]] = (), more: Mapping[str, object] | None = None) -> Response:
    """An error response: one message, and further fields for programs."""
    return reply_json({"error": message, **(more or {})}, status, headers)
