"""The protocol's paths over HTTP."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING

import msgspec

from mlforge.serving.http import JSON, Refused, Request, Response, headed, reply_json
from mlforge.serving.routes import Endpoint, Route
from mlforge.serving.v2.answer import written
from mlforge.serving.v2.handler import Handler
from mlforge.serving.v2.inference import read_inference
from mlforge.serving.v2.malformed import Malformed
from mlforge.serving.v2.metadata import server_metadata
from mlforge.serving.v2.openapi import paths
from mlforge.serving.v2.raw import raw_inference

if TYPE_CHECKING:
    from mlforge.serving.context import WorkerContext

__all__ = ["paths", "routes"]

_HEADER = "inference-header-content-length"
_BINARY = "application/octet-stream"
_MEDIA = ("", "application/json", _BINARY, "application/x-www-form-urlencoded")  # the last is what curl says when it is told nothing


def routes(context: WorkerContext) -> Iterable[Route]:
    """/v2 and all below it."""
    handler = Handler(context)
    for path in ("/v2", "/v2/"):
        yield Route("GET", path, _server, "open")
    yield Route("GET", "/v2/health/live", _live, "open")
    yield Route("GET", "/v2/health/ready", _ready(handler), "open")
    yield Route("POST", "/v2/repository/index", _index(handler))
    for action in ("load", "unload"):
        yield Route("POST", f"/v2/repository/models/{{model}}/{action}", _fixed)
    for path in ("/v2/models/{model}", "/v2/models/{model}/versions/{version}"):
        yield Route("GET", path, _metadata(handler))
        yield Route("GET", f"{path}/ready", _model_ready(handler), "open")
        yield Route("POST", f"{path}/infer", _infer(handler), name="infer")


async def _server(request: Request) -> Response:
    return reply_json(server_metadata())


async def _live(request: Request) -> Response:
    return reply_json({"live": True})


def _ready(handler: Handler) -> Endpoint:
    async def ready(request: Request) -> Response:
        return reply_json({"live": True, "ready": handler.ready}, 200 if handler.ready else 503)

    return ready


def _model_ready(handler: Handler) -> Endpoint:
    async def ready(request: Request) -> Response:
        model = request.params["model"]
        handler.lane(model, request.params.get("version", ""))
        return reply_json({"name": model, "ready": handler.ready}, 200 if handler.ready else 503)

    return ready


def _metadata(handler: Handler) -> Endpoint:
    async def metadata(request: Request) -> Response:
        told = asdict(handler.metadata(request.params["model"], request.params.get("version", "")))
        return reply_json(told if told["versions"] else {key: value for key, value in told.items() if key != "versions"})

    return metadata


def _index(handler: Handler) -> Endpoint:
    class Asked(msgspec.Struct):
        ready: bool = False

    async def index(request: Request) -> Response:
        body = await request.body()
        try:
            msgspec.json.decode(body or b"{}", type=Asked)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise Malformed('the body is not as the extension says: {"ready": true} or nothing was expected') from None
        return reply_json([asdict(one) for one in handler.models()])  # all that is served is ready

    return index


async def _fixed(request: Request) -> Response:
    raise Refused(400, "models are not loaded or unloaded by clients: `mlforge serve` names them, `mlforge promote` changes their version")


def _infer(handler: Handler) -> Endpoint:
    async def infer(request: Request) -> Response:
        model = request.params["model"]
        lane = handler.lane(model, request.params.get("version", ""), request.headers)
        kind = request.headers.get("content-type") or ""
        if kind not in _MEDIA and (media := kind.partition(";")[0].strip().lower()) not in _MEDIA:
            raise Refused(415, f"a body of {media[:60]!r} cannot be read; application/json was expected, or {_BINARY} for JSON with binary tensors behind it")
        header = request.headers.get(_HEADER)
        body = await request.body()
        asked = raw_inference(body, handler.intake(lane).signature) if header == "0" else read_inference(body, header)
        said = await handler.infer(model, lane, asked, request.id, request.patience())
        text, length = written(said, asked)
        headers = JSON if length is None else (("content-type", _BINARY), (_HEADER, str(length)))
        return Response(200, text, (*headers, ("mlforge-fallback", headed(said.fallback))) if said.fallback else headers)

    return infer
