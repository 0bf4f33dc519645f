"""GET /metrics: the metrics of all workers, for Prometheus."""

from __future__ import annotations

from collections.abc import Iterable

from mlforge.serving.context import WorkerContext
from mlforge.serving.describing import answered, operation
from mlforge.serving.http import Request, Response
from mlforge.serving.ledger import escaped
from mlforge.serving.monitors.kind import KIND
from mlforge.serving.routes import Route

__all__ = ["paths", "routes"]

_HEADERS = (("content-type", "text/plain; version=0.0.4; charset=utf-8"),)


def routes(context: WorkerContext) -> Iterable[Route]:
    """/metrics."""

    monitors = ""

    def hear(text: str) -> None:
        nonlocal monitors
        monitors = text

    context.on(KIND, hear)

    async def metrics(request: Request) -> Response:
        return Response(200, (context.ledger.text() + "".join(_now(context)) + monitors).encode(), _HEADERS)

    return (Route("GET", "/metrics", metrics, "metrics"),)


def _now(context: WorkerContext) -> Iterable[str]:
    """Gauges that are no sum over workers."""
    yield "# HELP mlforge_workers_ready Workers that are ready for requests.\n# TYPE mlforge_workers_ready gauge\n"
    yield f"mlforge_workers_ready {context.roster.live}\n"
    yield "# HELP mlforge_model_version The version that answers.\n# TYPE mlforge_model_version gauge\n"
    for served in context.models:
        yield f'mlforge_model_version{{model="{escaped(served.name)}"}} {served.lane.engine.version}\n'


def paths(context: WorkerContext) -> dict[str, object]:
    """As OpenAPI describes it."""
    told = answered("one figure a line", {"type": "string"}, "text/plain")
    is_open = context.settings.access.open_metrics
    return {"/metrics": {"get": operation("metrics", "Figures of all workers, for Prometheus", told, tag="health", is_open=is_open)}}
