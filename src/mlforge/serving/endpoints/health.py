"""Is the server alive, and are all its workers ready."""

from __future__ import annotations

from collections.abc import Iterable

from mlforge.serving.desk import Desk
from mlforge.serving.http import Request, Response, reply_json
from mlforge.serving.routes import Route

__all__ = ["routes"]


def routes(desk: Desk) -> Iterable[Route]:
    """/health/live answers while a worker does; /health/ready says whether every worker is there."""

    async def live(request: Request) -> Response:
        return reply_json({"live": True})

    async def ready(request: Request) -> Response:
        roster = desk.roster
        workers = {"ready": roster.live, "wanted": roster.workers}
        return reply_json({"ready": roster.ready, "workers": workers}, 200 if roster.ready else 503)

    return (Route("GET", "/health/live", live, "open"), Route("GET", "/health/ready", ready, "open"), Route("GET", "/health", ready, "open"))
