"""POST /feedback: what was true of rows that were asked about before."""

from __future__ import annotations

from collections.abc import Iterable

import orjson

from mlforge.serving.access.json_shape import keys_in, repeated_key, too_deep
from mlforge.serving.context import WorkerContext
from mlforge.serving.describing import failures, operation
from mlforge.serving.http import Refused, Request, Response, reply_json
from mlforge.serving.request_log.labels import labels_in
from mlforge.serving.routes import Route
from mlforge.serving.served import Served

__all__ = ["paths", "routes"]

_DEPTH = 3  # an object with a list of objects


def routes(context: WorkerContext) -> Iterable[Route]:
    """Labels for the only model, and for each by its name. A server without a log has no such routes."""
    log = context.request_log
    if log is None:
        return

    def take(served: Served, body: bytes) -> Response:
        output = served.lane.engine.bundle.output
        labels = labels_in(_decoded(body), output, context.settings.limits.rows)
        if not log.label(served.name, labels, output):
            raise Refused(503, "labels cannot be kept now: the log cannot be written", (("retry-after", "10"),))
        return reply_json({"accepted": len(labels)}, 202)

    async def only(request: Request) -> Response:
        served = context.models.only
        if served is None:
            raise Refused(404, "there are several models here: POST /models/NAME/feedback")
        return take(served, await request.body())

    async def named(request: Request) -> Response:
        return take(context.models.named(request.params["model"]), await request.body())

    yield Route("POST", "/feedback", only, "feedback", "feedback")
    yield Route("POST", "/models/{model}/feedback", named, "feedback", "feedback")


def paths(context: WorkerContext) -> dict[str, object]:
    """As OpenAPI describes them."""
    if context.request_log is None:
        return {}
    told: dict[str, object] = {}
    for served in context.models:
        output = served.lane.engine.bundle.output
        label = {"type": "number"} if output.kind == "value" else {"enum": list(output.classes)}
        ident = {"type": "string", "minLength": 1, "maxLength": 128, "description": "the id of the answer"}
        row = {"type": "integer", "minimum": 0, "default": 0, "description": "the row's place in the request"}
        one = {"type": "object", "required": ["id", "label"], "additionalProperties": False, "properties": {"id": ident, "row": row, "label": label}}
        several = {"type": "array", "minItems": 1, "maxItems": context.settings.limits.rows, "items": one}
        listed = {"type": "object", "required": ["labels"], "additionalProperties": False, "properties": {"labels": several}}
        accepted = {"type": "object", "properties": {"accepted": {"type": "integer"}}}
        taken = {"202": {"description": "they will be written", "content": {"application/json": {"schema": accepted}}}}
        post = operation(
            f"feedback_{served.name}", f"What was true of rows that {served.name} was asked about", {**taken, **failures(400, 401, 403, 413, 415, 503)},
            tag="feedback", requestBody={"required": True, "content": {"application/json": {"schema": {"anyOf": [one, several, listed]}}}},
        )  # fmt: skip
        told[f"/models/{served.name}/feedback"] = {"post": post}
        if context.models.only is not None:
            told["/feedback"] = {"post": {**post, "operationId": "feedback"}}
    return told


def _decoded(body: bytes) -> object:
    """What the JSON says. Raises Refused for a text that is none, or that says something twice."""
    if too_deep(body, _DEPTH):
        raise Refused(400, f"the body goes deeper than {_DEPTH} levels; labels do not")
    try:
        said: object = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Refused(400, f"the body is not JSON: {str(error)[:120]}") from None
    if (key := repeated_key(body, keys_in(said))) is not None:
        raise Refused(400, f"the field {key!r} is there twice")
    return said
