"""GET /models: what is served."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mlforge.serving.context import WorkerContext
from mlforge.serving.describing import answered, failures, operation
from mlforge.serving.http import Request, Response, reply_json
from mlforge.serving.routes import Route
from mlforge.serving.served import Served

__all__ = ["paths", "routes"]


def routes(context: WorkerContext) -> Iterable[Route]:
    """/models and /models/NAME."""

    async def all_models(request: Request) -> Response:
        return reply_json({"models": [_brief(served) for served in context.models]})

    async def one_model(request: Request) -> Response:
        served = context.models.named(request.params["model"])
        columns = served.lane.engine.contract.model_dump(mode="json", exclude_defaults=True)["columns"]
        return reply_json(_brief(served) | {"columns": columns})

    return (Route("GET", "/models", all_models), Route("GET", "/models/{model}", one_model))


def _brief(served: Served) -> dict[str, Any]:
    engine = served.lane.engine
    told = {"name": served.name, "version": engine.version or None, "digest": engine.digest, "task": engine.bundle.task, "target": engine.bundle.output.target}
    return told | ({"classes": list(engine.classes)} if engine.classes else {})


def paths(context: WorkerContext) -> dict[str, object]:
    """As OpenAPI describes them."""
    brief = {"type": "object", "properties": {"name": {"type": "string"}, "version": {"type": ["integer", "null"]}, "digest": {"type": "string"}}}
    listed = {"type": "object", "properties": {"models": {"type": "array", "items": brief}}}
    name = {"name": "model", "in": "path", "required": True, "schema": {"type": "string", "enum": [served.name for served in context.models]}}
    errors = failures(401, 403)
    return {
        "/models": {"get": operation("models", "What is served", {**answered("the models", listed), **errors}, tag="models")},
        "/models/{model}": {
            "get": operation(
                "model", "One model, and what its contract says of each column", {**answered("the model", brief), **errors, **failures(404)}, tag="models",
                parameters=[name],
            )
        },
    }  # fmt: skip
