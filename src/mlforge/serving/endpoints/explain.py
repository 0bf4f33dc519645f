"""POST /explain: why rows get their answers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from mlforge.errors import DataError
from mlforge.explaining.background import FILE
from mlforge.serving.context import WorkerContext
from mlforge.serving.describing import answered, failures, operation
from mlforge.serving.http import Refused, Request, Response, reply_json
from mlforge.serving.judged import frame_of
from mlforge.serving.lane import Lane
from mlforge.serving.routes import Route
from mlforge.serving.row_schema import row_schema
from mlforge.serving.served import Served

if TYPE_CHECKING:
    from mlforge.explaining.explainer import Explainer
    from mlforge.serving.engine import Engine

__all__ = ["paths", "routes"]

_MOST = 10  # rows a request
_WAITING = 4  # requests of one worker; an explanation is hundreds of predictions


def routes(context: WorkerContext) -> Iterable[Route]:
    """/explain and /models/NAME/explain, where the recipe allows."""
    if not context.settings.explain:
        return ()
    room = _Room(context)

    async def only(request: Request) -> Response:
        return await room.explained(request, context.models.single("explain"))

    async def named(request: Request) -> Response:
        return await room.explained(request, context.models.named(request.params["model"]))

    return (Route("POST", "/explain", only, name="explain"), Route("POST", "/models/{model}/explain", named, name="explain"))


class _Room:
    """A thread for explanations, one at a time, so that predictions go on."""

    def __init__(self, context: WorkerContext) -> None:
        self._context = context
        self._turn = asyncio.Semaphore(1)
        self._waiting = 0

    async def explained(self, request: Request, served: Served) -> Response:
        lane = served.lane
        if FILE not in lane.engine.bundle.files:
            raise Refused(404, f"{lane.engine.offer} has no background to explain it by; run its recipe again")
        if not _by_columns(lane.engine):
            raise Refused(404, f"{lane.engine.offer} says which byte comes next in a text; columns, by which rows are explained, add nothing to that")
        rows = lane.decoder.raw(await request.body())
        if not 1 <= len(rows) <= _MOST:
            raise Refused(400, f"{len(rows)} rows; 1 to {_MOST} can be explained in a request")
        if self._waiting >= _WAITING:
            raise Refused(503, "too many explanations are waited for already", (("retry-after", "1"),))
        longest = self._context.settings.deadline
        until = self._context.loop.time() + min(longest, request.patience() or longest)
        self._waiting += 1
        made = self._context.loop.create_task(self._made(lane, rows, until))
        made.add_done_callback(_unheard)
        try:
            async with asyncio.timeout_at(until):
                told = await asyncio.shield(made)  # a thread goes on when nobody waits for it any more
        except TimeoutError:
            raise Refused(504, "no explanation within the deadline; ask for fewer rows") from None
        return reply_json({"model": lane.engine.name, "version": lane.engine.version or None, "id": request.id, "explanations": told})

    async def _made(self, lane: Lane, rows: Iterable[Mapping[str, Any]], until: float) -> list[dict[str, Any]]:
        """One explanation, whose turn is over when its thread is done, be it late or not. Raises TimeoutError when its turn comes too late."""
        try:
            async with self._turn:
                if self._context.loop.time() >= until:
                    raise TimeoutError
                return await self._context.loop.run_in_executor(self._context.threads, _explained, lane, rows)
        finally:
            self._waiting -= 1


def _unheard(made: asyncio.Task[Any]) -> None:
    """What goes wrong when nobody waits any more is nobody's, and asyncio would log it."""
    if not made.cancelled():
        made.exception()


def _by_columns(engine: Engine) -> bool:
    """Is its answer one to which columns add something: a language model's is about one text."""
    return engine.bundle.output.kind != "bytes"


def _explained(lane: Lane, rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    from mlforge.explaining.plain import plain

    explainer, told = _explainer(lane), []
    for number, row in enumerate(rows):
        try:
            told.append(plain(explainer.explain(frame_of(row, lane.engine))))
        except DataError as error:
            reason = str(error.args[0]).removeprefix("the row breaks the model's contract: ")
            raise Refused(400, f"row {number}: {reason}") from None
    return told


def _explainer(lane: Lane) -> Explainer:
    from mlforge.explaining.background import Background
    from mlforge.explaining.explainer import Explainer

    engine = lane.engine
    return Explainer(engine.predictor, Background.model_validate_json((engine.offer.folder / FILE).read_bytes()))


def paths(context: WorkerContext) -> dict[str, object]:
    """As OpenAPI describes them."""
    if not context.settings.explain:
        return {}
    told: dict[str, object] = {}
    for served in (one for one in context.models if FILE in one.lane.engine.bundle.files and _by_columns(one.lane.engine)):
        schema = {"type": "object", "required": ["rows"], "properties": {"rows": {"type": "array", "minItems": 1, "maxItems": _MOST}}}
        schema["properties"]["rows"]["items"] = row_schema(served.lane.engine.contract)  # type: ignore[index]
        said = answered("for each row what each column adds, and what would turn the answer", {"type": "object"})
        responses = {**said, **failures(400, 401, 403, 404, 413, 415, 503, 504)}
        post = operation(
            f"explain_{served.name}", f"Why rows get their answer from {served.name}", responses, tag="explain",
            requestBody={"required": True, "content": {"application/json": {"schema": schema}}},
        )  # fmt: skip
        told[f"/models/{served.name}/explain"] = {"post": post}
    return told
