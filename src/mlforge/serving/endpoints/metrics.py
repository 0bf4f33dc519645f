"""The figures of all workers, as Prometheus reads them."""

from __future__ import annotations

from collections.abc import Iterable

from mlforge.serving.describing import answered, operation
from mlforge.serving.desk import Desk
from mlforge.serving.http import Request, Response
from mlforge.serving.ledger import escaped
from mlforge.serving.routes import Route
from mlforge.serving.watch.kind import KIND

__all__ = ["paths", "routes"]

_HEADERS = (("content-type", "text/plain; version=0.0.4; charset=utf-8"),)


def routes(desk: Desk) -> Iterable[Route]:
    """/metrics."""

    monitors = ""

    def hear(text: str) -> None:
        nonlocal monitors
        monitors = text

    desk.on(KIND, hear)

    async def metrics(request: Request) -> Response:
        return Response(200, (desk.ledger.text() + "".join(_now(desk)) + monitors).encode(), _HEADERS)

    return (Route("GET", "/metrics", metrics, "metrics"),)


def _now(desk: Desk) -> Iterable[str]:
    """What is no sum."""
    yield "# HELP mlforge_workers_ready Workers that are ready for requests.\n# TYPE mlforge_workers_ready gauge\n"
    yield f"mlforge_workers_ready {desk.roster.live}\n"
    yield "# HELP mlforge_model_version The version that answers.\n# TYPE mlforge_model_version gauge\n"
    for served in desk.models:
        yield f'mlforge_model_version{{model="{escaped(served.name)}"}} {served.lane.engine.version}\n'


def paths(desk: Desk) -> dict[str, object]:
    """As OpenAPI describes it."""
    told = answered("one figure a line", {"type": "string"}, "text/plain")
    is_open = desk.settings.access.open_metrics
    return {"/metrics": {"get": operation("metrics", "Figures of all workers, for Prometheus", told, tag="health", is_open=is_open)}}
