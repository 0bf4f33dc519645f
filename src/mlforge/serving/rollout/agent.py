"""A worker's part in rollouts: it receives assignments, opens the versions that they need in a thread, and swaps to them between two requests."""

from __future__ import annotations

import asyncio
import copy
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from mlforge.errors import MlforgeError
from mlforge.service.rollout import Rollout
from mlforge.serving.lane import Lane
from mlforge.serving.offer import Offer
from mlforge.serving.pace import Pace
from mlforge.serving.request_rows import RequestRows
from mlforge.serving.rollout.assignment import KIND, Assignment
from mlforge.serving.rollout.board import INCUMBENT, NEWCOMER, Board
from mlforge.serving.rollout.carrying import carried
from mlforge.serving.rollout.figures import Recorder
from mlforge.serving.rollout.ladder import Ladder
from mlforge.serving.rollout.observer import Observer
from mlforge.serving.rollout.routing import chosen

if TYPE_CHECKING:
    from mlforge.serving.context import WorkerContext
    from mlforge.serving.rollout.mirror import Mirror
    from mlforge.serving.served import Served

__all__ = ["RolloutAgent", "attend"]

log = logging.getLogger(__name__)

_FIRST = 30.0  # seconds that a new worker waits for the lanes beside the one that serves, before it answers without them


async def attend(context: WorkerContext) -> None:
    """Subscribe a worker's models to the supervisor's assignments; return when the first ones are in force, or after a time limit."""
    boards = context.plan.boards
    agents = [RolloutAgent(context, served, boards[served.name]) for served in context.models if served.name in boards]
    for agent in agents:
        context.on(f"{KIND} {agent.name}", agent.hear)
    with suppress(TimeoutError):
        await asyncio.wait_for(asyncio.gather(*(agent.settled.wait() for agent in agents)), _FIRST)


class RolloutAgent:
    """Follows the assignments of one model in one worker."""

    def __init__(self, context: WorkerContext, served: Served, board: Board) -> None:
        self._context, self._served, self._board = context, served, board
        self._lanes: dict[str, Lane] = {_key(served.lane.engine.offer): served.lane}
        self._observers: list[Observer | Mirror] = []
        self._wanted: Assignment | None = None
        self._task: asyncio.Task[None] | None = None
        self.name, self.settled = served.name, asyncio.Event()  # it has heard of who is to answer, and done what it could
        self._same = (served.choose, served.by_load, served.ask)

    def hear(self, told: Mapping[str, Any]) -> None:
        """Take a new assignment. Of several that arrive while versions are being opened, the last counts."""
        self._wanted = Assignment.read(told)
        if self._task is None or self._task.done():
            self._task = self._context.loop.create_task(self._follow())

    async def _follow(self) -> None:
        while (assignment := self._wanted) is not None:
            self._wanted = None
            try:
                self._take(assignment, await self._context.loop.run_in_executor(None, self._opened, assignment))
            except Exception as error:  # whatever it is, this worker goes on answering as before, and the supervisor hears of it
                expected = isinstance(error, MlforgeError | OSError | RuntimeError)  # onnxruntime's own are RuntimeErrors
                log.warning("%s cannot be opened: %s", assignment.newcomer or assignment.serving, str(error)[:500], exc_info=not expected)
                self._board.reached(self._context.worker, assignment.generation, failed=True)
            self.settled.set()

    def _opened(self, assignment: Assignment) -> dict[str, Lane]:
        """Every lane that the assignment needs, opened in a thread; fallbacks that cannot be opened are left out."""
        lanes = {}
        for offer in (assignment.serving, assignment.newcomer):
            if offer is not None:
                lanes[_key(offer)] = self._lane(offer)
        for offer in assignment.ladder:
            try:
                lanes.setdefault(_key(offer), self._lane(offer))
            except (MlforgeError, OSError, RuntimeError) as error:
                log.warning("%s cannot be opened, and is no fallback: %s", offer, str(error)[:500])
        return lanes

    def _lane(self, offer: Offer) -> Lane:
        return self._lanes.get(_key(offer)) or self._context.lane(offer)

    def _take(self, assignment: Assignment, lanes: dict[str, Lane]) -> None:
        """Put the assignment in force, in one step of the event loop; a request that has chosen its lane keeps it."""
        for observer in self._observers:
            observer.leave()
        serving, newcomer = lanes[_key(assignment.serving)], lanes[_key(assignment.newcomer)] if assignment.newcomer else None
        for lane in lanes.values():
            lane.role = "canary" if lane is newcomer else "champion" if lane is serving else "fallback"
            lane.batcher.threaded = assignment.settings.timeout_ms is not None
        served, meters = self._served, self._board.meters
        self._observers = [] if newcomer is None else list(self._watched(serving, newcomer))
        if assignment.shadow is not None and assignment.settings.shadow is not None:
            from mlforge.serving.rollout.mirror import Mirror

            self._observers.append(Mirror(serving, served.name, assignment.settings.shadow.share, self._board.copying, meters))
        served.choose, served.by_load, served.ask = self._same
        served.key_header = None
        if newcomer is not None:
            self._share_out(assignment, serving, newcomer)
        if assignment.settings.fallback is not None or assignment.settings.timeout_ms is not None:
            served.ask = self._ladder(assignment, serving, lanes).ask
        if served.lane is not serving:
            meters.swaps.add()
        served.lane = serving
        self._lanes = lanes
        self._board.reached(self._context.worker, assignment.generation)

    def _watched(self, serving: Lane, newcomer: Lane) -> tuple[Observer, Observer]:
        from mlforge.serving.rollout.comparing import Decider

        decider = Decider.of(serving.engine.bundle)
        recorders = [Recorder(self._board.cells(self._context.worker, slot)) for slot in (INCUMBENT, NEWCOMER)]
        return Observer(serving, recorders[0], decider), Observer(newcomer, recorders[1], decider, self._board.meters.canary.add)

    def _share_out(self, assignment: Assignment, serving: Lane, newcomer: Lane) -> None:
        """Split requests between two versions: by a header, by a column of their first row, or at random."""
        canary, share = assignment.settings.canary, assignment.share
        assert canary is not None
        salt = newcomer.engine.digest

        def choose(key: str | None) -> Lane:
            return newcomer if chosen(key, share, salt) else serving

        def by_load(lane: Lane, load: RequestRows) -> tuple[Lane, RequestRows]:
            key = _value(lane, load, str(canary.key))
            other = newcomer if chosen(key, share, salt) else serving
            taken = carried(load, lane.engine, other.engine)
            return (lane, load) if taken is None else (other, taken)

        self._served.key_header = canary.header
        if canary.header is None and canary.key is not None and canary.key in serving.engine.inputs:
            self._served.choose, self._served.by_load = self._always(serving), by_load
        else:
            if canary.header is None and canary.key is not None:
                log.warning("%s: the graph does not take %s, so that requests are shared out by chance", newcomer.engine.offer, canary.key)
            self._served.choose = choose

    @staticmethod
    def _always(lane: Lane) -> Callable[[str | None], Lane]:
        return lambda key: lane

    def _ladder(self, assignment: Assignment, serving: Lane, lanes: Mapping[str, Lane]) -> Ladder:
        settings, meters = assignment.settings, self._board.meters
        rungs = [lane for offer in assignment.ladder if (lane := lanes.get(_key(offer))) is not None]
        if settings.fallback is not None:
            if assignment.newcomer is not None:
                rungs.insert(0, serving)
            rungs = [_rung(lane) for lane in dict.fromkeys(rungs) if self._answers_for(serving, lane)]
            rungs += self._made_up(serving, settings)
        meters.resting.set(0.0)
        trial = lanes[_key(assignment.newcomer)] if assignment.newcomer is not None else None
        return Ladder(
            settings, rungs, self._context.loop, partial(meters.fallbacks.add, 1.0), lambda opened: meters.resting.add(1.0 if opened else -1.0), trial
        )

    def _answers_for(self, serving: Lane, lane: Lane) -> bool:
        """Can a lane answer what another was asked: does it need no more, and say the same thing. Who relies on one that cannot is told."""
        one, other = serving.engine, lane.engine
        fits = (one.bundle.output.kind, one.bundle.output.target) == (other.bundle.output.kind, other.bundle.output.target)
        if fits and carried(RequestRows(0, ()), one, other) is not None:
            return True
        if self._context.worker == 0:
            why = "it takes columns that the other does not, or takes them otherwise" if fits else f"it predicts {other.bundle.output.target}"
            log.warning("%s is no fallback for %s: %s", other.offer, one.offer, why)
        return False

    def _made_up(self, serving: Lane, settings: Rollout) -> list[Lane]:
        assert settings.fallback is not None
        if settings.fallback.constant is None and not settings.fallback.rules:
            return []
        from mlforge.serving.rollout.declared import DeclaredEngine

        lane = Lane(DeclaredEngine(serving.engine, settings.fallback), Pace(self._context.settings.slo.p99_ms / 1000, 1e-5), self._context.loop)
        lane.role, lane.fallback = "fallback", "declared"
        return [lane]


def _key(offer: Offer) -> str:
    """Identifies a version among all versions of all models."""
    return f"{offer} {offer.digest}"


def _rung(lane: Lane) -> Lane:
    """The same lane as a rung: its queue and its graph, and answers that say so."""
    rung = copy.copy(lane)
    rung.role, rung.fallback = "fallback", str(lane.engine.offer)
    return rung


def _value(lane: Lane, load: RequestRows, column: str) -> str | None:
    """A column of the first good row, as text."""
    if not load.good:
        return None
    place = lane.engine.inputs.index(column)
    value = load.rows[0][place] if load.rows is not None else load.columns[place][0].tolist() if load.columns is not None else None
    return str(value[0] if isinstance(value, list) else value)
