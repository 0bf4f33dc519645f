"""POST /predict: predictions for named rows, in JSON, CSV or Arrow."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from io import BytesIO
from typing import TYPE_CHECKING, Any

from mlforge.serving.access.arrow_shape import arrow_within
from mlforge.serving.access.csv_shape import csv_within
from mlforge.serving.batcher import Answer, Poisoned
from mlforge.serving.context import WorkerContext
from mlforge.serving.decoder import Asked
from mlforge.serving.describing import answered, failures, operation
from mlforge.serving.engine import Engine
from mlforge.serving.http import JSON, LONGEST_ID, Refused, Request, Response, headed, nameable
from mlforge.serving.lane import Lane
from mlforge.serving.routes import Route
from mlforge.serving.row_schema import example_row, row_schema
from mlforge.serving.served import Served

if TYPE_CHECKING:
    import polars as pl

__all__ = ["ARROW", "CSV", "paths", "routes"]

ARROW = ("application/vnd.apache.arrow.stream", "application/vnd.apache.arrow.file", "application/arrow")
CSV = ("text/csv", "application/csv")
_NOT_WANTED = re.compile(r"q=0(?:\.0*)?")
_JSON = ("application/json", "application/x-www-form-urlencoded", "text/json", "")  # the second is what curl says when it is told nothing


def routes(context: WorkerContext) -> Iterable[Route]:
    """/predict, for the only model, and /models/NAME/predict."""

    async def only(request: Request) -> Response:
        return await _predicted(request, context.models.single("predict"), context)

    async def named(request: Request) -> Response:
        return await _predicted(request, context.models.named(request.params["model"]), context)

    return (Route("POST", "/predict", only, name="predict"), Route("POST", "/models/{model}/predict", named, name="predict"))


async def _predicted(request: Request, served: Served, context: WorkerContext) -> Response:
    begun = time.perf_counter()
    lane = served.choose(request.headers.get(served.key_header) if served.key_header else None)
    asked = _read(request.headers.get("content-type") or "", await request.body(), lane, context.settings.limits.rows)
    load = asked.load
    if served.by_load is not None:
        lane, load = served.by_load(lane, load)
    if asked.id is not None and not nameable(asked.id):
        raise Refused(400, f"id {asked.id[:40]!r} has {len(asked.id):,} characters; 1 to {LONGEST_ID} that can be printed were expected")
    ident = asked.id or request.id
    partial = request.flag("partial", context.settings.partial if asked.partial is None else asked.partial)
    if load.rejected:
        context.figures.rejected.add(len(load.rejected))
        if not partial:
            raise load.refusal()
    until = begun + _patience(request, asked, context)
    try:
        lane, answer = await served.ask(lane, load, ident, until)
    except Poisoned as poisoned:
        if not partial or len(poisoned.places) == load.good:
            raise
        lane, answer = await served.ask(lane, load.without(poisoned.places, "the model fails on it, although it keeps the contract"), ident, until)
    return _worded(request.headers.get("accept"), lane, answer, ident)


def _read(kind: str, body: bytes, lane: Lane, most: int) -> Asked:
    """The rows of a body, by its media type."""
    media = kind.partition(";")[0].strip().lower() if kind != "application/json" else kind
    if media in _JSON:
        return lane.decoder.json(body)
    if media in CSV:
        return Asked(lane.decoder.frame(_csv(body)))
    if media in ARROW:
        return Asked(lane.decoder.frame(_arrow(body, most)))
    raise Refused(415, f"a body of {media[:60]!r} cannot be read; application/json, text/csv or {ARROW[0]} was expected")


def _patience(request: Request, asked: Asked, context: WorkerContext) -> float:
    """Seconds that the client waits: its own deadline, within the server's."""
    longest = context.settings.deadline
    if (given := asked.deadline_ms) is None:
        return min(longest, request.patience() or longest)
    if not given > 0:
        raise Refused(400, f"a deadline of {given:g} ms has passed already; a positive number of milliseconds was expected")
    return min(longest, given / 1000)


def _worded(accept: str | None, lane: Lane, answer: Answer, ident: str) -> Response:
    if accept and accept not in ("*/*", "application/json"):
        wanted = _wanted(accept)
        about = (*_about(lane), ("x-rejected-rows", str(len(answer.load.rejected))))
        if any(one in (*CSV, "text/*") for one in wanted):
            return Response(200, lane.answering.table(answer).write_csv().encode(), (("content-type", "text/csv; charset=utf-8"), *about))
        if any(one in ARROW for one in wanted):
            stream = BytesIO()
            lane.answering.table(answer).write_ipc_stream(stream)
            return Response(200, stream.getvalue(), (("content-type", ARROW[0]), *about))
        if not any(one in ("*/*", "application/*", "application/json") for one in wanted):
            raise Refused(406, f"accept: {accept[:80]!r}; answers are application/json, text/csv or {ARROW[0]}")
    return Response(200, lane.answering.json(answer, ident, lane.fallback), (*JSON, *_about(lane)) if lane.fallback else JSON)


def _wanted(accept: str) -> list[str]:
    """The media types of an Accept header, without those of quality 0, which are not wanted (RFC 9110, 12.4.2)."""
    parts = [part.lower().replace(" ", "").split(";") for part in accept.split(",")]
    return [media for media, *more in parts if not any(_NOT_WANTED.fullmatch(one) for one in more)]


def _about(lane: Lane) -> tuple[tuple[str, str], ...]:
    about = (("x-model", headed(lane.engine.name)), ("x-model-version", str(lane.engine.version)))
    return (*about, ("mlforge-fallback", headed(lane.fallback))) if lane.fallback else about


def _csv(body: bytes) -> pl.DataFrame:
    """A table with a header; cells stay texts, which the contract types."""
    import polars as pl

    table = csv_within(body)
    try:
        return pl.read_csv(table, infer_schema=False)
    except pl.exceptions.PolarsError as error:
        raise Refused(400, f"the body is no CSV with a header: {str(error).splitlines()[0][:200]}") from None


def _arrow(body: bytes, most: int) -> pl.DataFrame:
    """An Arrow stream, or an Arrow file."""
    import polars as pl

    try:
        read = pl.read_ipc if arrow_within(body, most) else pl.read_ipc_stream
        return read(BytesIO(body), use_pyarrow=False)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise Refused(400, f"the body is no Arrow stream: {str(error).splitlines()[0][:200]}") from None


def paths(context: WorkerContext) -> dict[str, object]:
    """As OpenAPI describes them: with the contract's types and ranges, and an example."""
    told: dict[str, object] = {f"/models/{served.name}/predict": {"post": _operation(served, f"predict_{served.name}", context)} for served in context.models}
    only = context.models.only
    return {"/predict": {"post": _operation(only, "predict", context)}, **told} if only is not None else told


def _operation(served: Served, ident: str, context: WorkerContext) -> dict[str, Any]:
    engine = served.lane.engine
    rows = {"type": "array", "items": row_schema(engine.contract), "maxItems": context.settings.limits.rows}
    more = {
        "partial": {"type": "boolean", "description": "answer the rows that keep the contract although others do not", "default": context.settings.partial},
        "deadline_ms": {"type": "number", "exclusiveMinimum": 0, "description": "how long the client waits"},
        "id": {"type": "string", "minLength": 1, "maxLength": LONGEST_ID, "description": "a name for the request, by which labels are joined later"},
    }
    body: dict[str, Any] = {"schema": {"type": "object", "required": ["rows"], "additionalProperties": False, "properties": {"rows": rows, **more}}}
    if (example := example_row(engine.contract)) is not None:
        body["example"] = {"rows": [example]}
    content = {"application/json": body, **{media: {"schema": {}} for media in (CSV[0], ARROW[0])}}
    partial = {"name": "partial", "in": "query", "schema": {"type": "boolean"}, "description": "as in the body"}
    responses = {
        **answered("predictions, in the order of the rows", _answer(engine)),
        **failures(400, 401, 403, 404, 406, 408, 413, 415, 422, 503, 504),
    }
    return operation(
        ident, f"Predict {engine.bundle.output.target} with {engine.offer}", responses, tag="predict", parameters=[partial],
        requestBody={"required": True, "content": content},
    )  # fmt: skip


def _answer(engine: Engine) -> dict[str, Any]:
    classes = engine.classes  # as texts, which keys are; a prediction is the class itself
    row: dict[str, Any] = {
        "prediction": {"enum": list(engine.bundle.output.classes)}
        if classes
        else {"type": ["number", "integer", "string", "null"], "description": "null where the graph overflows"}
    }
    if classes:
        share = {"type": ["number", "null"], "minimum": 0, "maximum": 1, "description": "null where the graph overflows"}
        row["probabilities"] = {"type": "object", "properties": dict.fromkeys(classes, share), "required": list(classes)}
    predictions = {"type": "array", "items": {"type": ["object", "null"], "properties": row}, "description": "null for a row that was rejected"}
    rejected = {"type": "array", "items": {"type": "object", "properties": {"row": {"type": "integer"}, "reason": {"type": "string"}}}}
    properties = {
        "model": {"type": "string"}, "version": {"type": ["integer", "null"]}, "target": {"type": "string"}, "id": {"type": "string"},
        "predictions": predictions, "rejected": rejected,
    }  # fmt: skip
    return {"type": "object", "required": ["model", "version", "target", "id", "predictions"], "properties": properties}
