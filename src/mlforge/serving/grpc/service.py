"""What is answered over gRPC: GRPCInferenceService, and gRPC's health service."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf.message import DecodeError

from mlforge.serving.access.guard import Guard
from mlforge.serving.grpc.contents import asked, told
from mlforge.serving.grpc.messages import HEALTH, INFERENCE, message, methods
from mlforge.serving.http import Refused
from mlforge.serving.v2.handler import Handler
from mlforge.serving.v2.malformed import Malformed
from mlforge.serving.v2.metadata import server_metadata

if TYPE_CHECKING:
    from mlforge.serving.context import WorkerContext

__all__ = ["Service"]

log = logging.getLogger(__name__)

_CODES = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    401: grpc.StatusCode.UNAUTHENTICATED,
    403: grpc.StatusCode.PERMISSION_DENIED,
    404: grpc.StatusCode.NOT_FOUND,
    413: grpc.StatusCode.RESOURCE_EXHAUSTED,
    422: grpc.StatusCode.FAILED_PRECONDITION,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    503: grpc.StatusCode.UNAVAILABLE,
    504: grpc.StatusCode.DEADLINE_EXCEEDED,
}
_OPEN = frozenset({"ServerLive", "ServerReady", "ModelReady", "ServerMetadata", "Check", "Watch"})
_LOOK = 0.25  # seconds between looks at whether a watched server is still ready
_ID = "x-request-id"
_Handler = Callable[[Any, Any], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class _Call:
    """One call: its message, its context, and the name by which the server's log knows it."""

    message: Any
    context: Any
    id: str


_Method = Callable[[_Call], Awaitable[Any]]


def _read(data: bytes, kind: Any) -> Any:
    try:
        return kind.FromString(data)
    except DecodeError:
        raise Malformed(f"the message is no {kind.DESCRIPTOR.full_name}") from None


class _Metadata(dict[str, Any]):
    """What came with a call, as HTTP's headers."""

    def keys(self) -> list[str]:  # type: ignore[override]
        """The names, in lower case."""
        return list(super().keys())


class Service:
    """Both services of one worker."""

    def __init__(self, context: WorkerContext, guard: Guard | None) -> None:
        self._context, self._guard = context, guard
        self._v2 = Handler(context)
        self.closing = asyncio.Event()  # those who watch are told that it is over

    def handlers(self) -> list[grpc.GenericRpcHandler]:
        """For a grpc.aio server."""
        return [
            grpc.method_handlers_generic_handler(name, {method: self._handler(method, *kinds) for method, kinds in methods(name).items()})
            for name in (INFERENCE, HEALTH)
        ]

    def _handler(self, name: str, request: Any, response: Any, streams: bool) -> grpc.RpcMethodHandler:
        if streams:
            return grpc.unary_stream_rpc_method_handler(self._watch, request.FromString, response.SerializeToString)
        return grpc.unary_unary_rpc_method_handler(self._told(name, request), None, response.SerializeToString)

    def _told(self, name: str, kind: Any) -> _Handler:
        """Answers a method, whatever happens. Messages are read here rather than by gRPC, which would tell of a wrong one by a traceback."""
        method: _Method = getattr(self, f"_{name}")
        counted = "infer" if name == "ModelInfer" else "other"

        async def answer(request: Any, context: Any) -> Any:
            begun, status, ident = time.perf_counter(), 200, self._context.ident()
            behind = ((_ID, ident),)
            self._context.figures.under_way.add()
            try:
                await asyncio.sleep(0)  # calls that came in the same turn are counted before the first is answered, so that their rows go together
                self._allowed(name, context)
                context.set_trailing_metadata(behind)
                return await method(_Call(_read(request, kind), context, ident))
            except Refused as refused:
                status = refused.status
                await context.abort(_CODES.get(status, grpc.StatusCode.UNKNOWN), refused.message, (*refused.headers, *behind))
            except Exception:
                status = 500
                log.exception("request %s failed", ident)
                await context.abort(grpc.StatusCode.INTERNAL, f"an error of the server; its log has it under {ident}", behind)
            finally:
                self._context.figures.under_way.add(-1.0)
                self._context.figures.answered(counted, status, time.perf_counter() - begun)

        return answer

    def _allowed(self, name: str, context: Any) -> None:
        if self._guard is None:
            return
        given = _Metadata(context.invocation_metadata() or ())
        refusal = self._guard.check("open" if name in _OPEN else "predict", given.get("authorization"), given.get("x-api-key"))
        if refusal is not None:
            raise Refused(refusal.status, refusal.message)

    async def _ServerLive(self, call: _Call) -> Any:  # noqa: N802 - the protocol's name
        return message("inference.ServerLiveResponse")(live=True)

    async def _ServerReady(self, call: _Call) -> Any:  # noqa: N802
        return message("inference.ServerReadyResponse")(ready=self._v2.ready)

    async def _ModelReady(self, call: _Call) -> Any:  # noqa: N802
        self._v2.lane(call.message.name, call.message.version)
        return message("inference.ModelReadyResponse")(ready=self._v2.ready)

    async def _ServerMetadata(self, call: _Call) -> Any:  # noqa: N802
        return message("inference.ServerMetadataResponse")(**server_metadata())

    async def _ModelMetadata(self, call: _Call) -> Any:  # noqa: N802
        return message("inference.ModelMetadataResponse")(**asdict(self._v2.metadata(call.message.name, call.message.version)))

    async def _ModelInfer(self, call: _Call) -> Any:  # noqa: N802
        asks, model = call.message, call.message.model_name
        lane = self._v2.lane(model, asks.model_version, _Metadata(call.context.invocation_metadata() or ()))
        given = asked(asks)
        return told(await self._v2.infer(model, lane, given, call.id, call.context.time_remaining()), given)

    async def _Check(self, call: _Call) -> Any:  # noqa: N802
        service = call.message.service
        if service not in ("", INFERENCE, HEALTH):
            raise Refused(404, f"there is no service {service[:60]!r} here; there are {INFERENCE} and {HEALTH}")
        return self._health(service)

    async def _watch(self, request: Any, context: Any) -> AsyncIterator[Any]:
        """The state now, and whenever it changes."""
        last = None
        while not self.closing.is_set():
            now = self._health(request.service)
            if now != last:
                yield now
            last = now
            try:
                await asyncio.wait_for(self.closing.wait(), _LOOK)
            except TimeoutError:
                continue
        yield self._health(request.service)

    def _health(self, service: str) -> Any:
        known = service in ("", INFERENCE, HEALTH)
        return message("grpc.health.v1.HealthCheckResponse")(status=("SERVING" if self._v2.ready else "NOT_SERVING") if known else "SERVICE_UNKNOWN")
