"""GET /health/live and /health/ready."""

from __future__ import annotations

from collections.abc import Iterable

from mlforge.serving.context import WorkerContext
from mlforge.serving.describing import answered, operation
from mlforge.serving.http import Request, Response, reply_json
from mlforge.serving.routes import Route

__all__ = ["paths", "routes"]


def routes(context: WorkerContext) -> Iterable[Route]:
    """/health/live answers while a worker does; /health/ready says whether every worker is there."""

    async def live(request: Request) -> Response:
        return reply_json({"live": True})

    async def ready(request: Request) -> Response:
        roster = context.roster
        workers = {"ready": roster.live, "wanted": roster.workers}
        return reply_json({"ready": roster.ready, "workers": workers}, 200 if roster.ready else 503)

    return (Route("GET", "/health/live", live, "open"), Route("GET", "/health/ready", ready, "open"), Route("GET", "/health", ready, "open"))


def paths(context: WorkerContext) -> dict[str, object]:
    """As OpenAPI describes them."""
    live = {"type": "object", "properties": {"live": {"type": "boolean"}}}
    ready = {"type": "object", "properties": {"ready": {"type": "boolean"}, "workers": {"type": "object"}}}
    not_ready = {"503": {"description": "a worker is missing", "content": {"application/json": {"schema": ready}}}}
    return {
        "/health/live": {"get": operation("live", "Is the server alive", answered("it is", live), tag="health", is_open=True)},
        "/health/ready": {"get": operation("ready", "Are all workers ready", {**answered("they are", ready), **not_ready}, tag="health", is_open=True)},
    }
