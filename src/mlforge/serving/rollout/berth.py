"""A worker's part in rollouts: it hears who is to answer, opens what that needs in a thread, and lets it answer from one moment to the next."""

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
from mlforge.serving.load import Load
from mlforge.serving.offer import Offer
from mlforge.serving.pace import Pace
from mlforge.serving.rollout.board import INCUMBENT, NEWCOMER, Board
from mlforge.serving.rollout.carrying import carried
from mlforge.serving.rollout.figures import Recorder
from mlforge.serving.rollout.ladder import Ladder
from mlforge.serving.rollout.routing import chosen
from mlforge.serving.rollout.standing import KIND, Standing
from mlforge.serving.rollout.witness import Witness

if TYPE_CHECKING:
    from mlforge.serving.desk import Desk
    from mlforge.serving.rollout.echo import Echo
    from mlforge.serving.served import Served

__all__ = ["Berth", "attend"]

log = logging.getLogger(__name__)

_FIRST = 30.0  # seconds that a new worker waits for the lanes beside the one that serves, before it answers without them


async def attend(desk: Desk) -> None:
    """Let a worker's models follow what the house says of them; return when all that it has said first is open, or should have been."""
    boards = desk.plan.boards
    berths = [Berth(desk, served, boards[served.name]) for served in desk.models if served.name in boards]
    for berth in berths:
        desk.on(f"{KIND} {berth.name}", berth.hear)
    with suppress(TimeoutError):
        await asyncio.wait_for(asyncio.gather(*(berth.settled.wait() for berth in berths)), _FIRST)


class Berth:
    """One model in one worker."""

    def __init__(self, desk: Desk, served: Served, board: Board) -> None:
        self._desk, self._served, self._board = desk, served, board
        self._lanes: dict[str, Lane] = {_key(served.lane.engine.offer): served.lane}
        self._witnesses: list[Witness | Echo] = []
        self._wanted: Standing | None = None
        self._task: asyncio.Task[None] | None = None
        self.name, self.settled = served.name, asyncio.Event()  # it has heard of who is to answer, and done what it could
        self._same = (served.choose, served.by_load, served.ask)

    def hear(self, told: Mapping[str, Any]) -> None:
        """Somebody else is to answer. Of several that come while versions are opened, the last counts."""
        self._wanted = Standing.read(told)
        if self._task is None or self._task.done():
            self._task = self._desk.loop.create_task(self._follow())

    async def _follow(self) -> None:
        while (standing := self._wanted) is not None:
            self._wanted = None
            try:
                self._take(standing, await self._desk.loop.run_in_executor(None, self._opened, standing))
            except Exception as error:  # whatever it is, this worker goes on answering as before, and the house hears of it
                expected = isinstance(error, MlforgeError | OSError | RuntimeError)  # onnxruntime's own are RuntimeErrors
                log.warning("%s cannot be opened: %s", standing.newcomer or standing.serving, str(error)[:500], exc_info=not expected)
                self._board.reached(self._desk.worker, standing.generation, failed=True)
            self.settled.set()

    def _opened(self, standing: Standing) -> dict[str, Lane]:
        """Every lane that is needed; in a thread. Without the ladder's that cannot be opened."""
        lanes = {}
        for offer in (standing.serving, standing.newcomer):
            if offer is not None:
                lanes[_key(offer)] = self._lane(offer)
        for offer in standing.ladder:
            try:
                lanes.setdefault(_key(offer), self._lane(offer))
            except (MlforgeError, OSError, RuntimeError) as error:
                log.warning("%s cannot be opened, and is no fallback: %s", offer, str(error)[:500])
        return lanes

    def _lane(self, offer: Offer) -> Lane:
        return self._lanes.get(_key(offer)) or self._desk.lane(offer)

    def _take(self, standing: Standing, lanes: dict[str, Lane]) -> None:
        """From here on it is so: nothing else happens in this process meanwhile, and a request that has chosen its lane keeps it."""
        for witness in self._witnesses:
            witness.leave()
        serving, newcomer = lanes[_key(standing.serving)], lanes[_key(standing.newcomer)] if standing.newcomer else None
        for lane in lanes.values():
            lane.role = "canary" if lane is newcomer else "champion" if lane is serving else "fallback"
            lane.batcher.threaded = standing.settings.timeout_ms is not None
        served, tally = self._served, self._board.tally
        self._witnesses = [] if newcomer is None else list(self._watched(serving, newcomer))
        if standing.shadow is not None and standing.settings.shadow is not None:
            from mlforge.serving.rollout.echo import Echo

            self._witnesses.append(Echo(serving, served.name, standing.settings.shadow.share, self._board.copying, tally))
        served.choose, served.by_load, served.ask = self._same
        served.key_header = None
        if newcomer is not None:
            self._share_out(standing, serving, newcomer)
        if standing.settings.fallback is not None or standing.settings.timeout_ms is not None:
            served.ask = self._ladder(standing, serving, lanes).ask
        if served.lane is not serving:
            tally.swaps.add()
        served.lane = serving
        self._lanes = lanes
        self._board.reached(self._desk.worker, standing.generation)

    def _watched(self, serving: Lane, newcomer: Lane) -> tuple[Witness, Witness]:
        from mlforge.serving.rollout.comparing import Decider

        decider = Decider.of(serving.engine.bundle)
        recorders = [Recorder(self._board.cells(self._desk.worker, slot)) for slot in (INCUMBENT, NEWCOMER)]
        return Witness(serving, recorders[0], decider), Witness(newcomer, recorders[1], decider, self._board.tally.canary.add)

    def _share_out(self, standing: Standing, serving: Lane, newcomer: Lane) -> None:
        """Requests between two versions: by a header, by a column of their first row, or by chance."""
        canary, share = standing.settings.canary, standing.share
        assert canary is not None
        salt = newcomer.engine.digest

        def choose(key: str | None) -> Lane:
            return newcomer if chosen(key, share, salt) else serving

        def by_load(lane: Lane, load: Load) -> tuple[Lane, Load]:
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

    def _ladder(self, standing: Standing, serving: Lane, lanes: Mapping[str, Lane]) -> Ladder:
        settings, tally = standing.settings, self._board.tally
        rungs = [lane for offer in standing.ladder if (lane := lanes.get(_key(offer))) is not None]
        if settings.fallback is not None:
            if standing.newcomer is not None:
                rungs.insert(0, serving)
            rungs = [_rung(lane) for lane in dict.fromkeys(rungs) if self._answers_for(serving, lane)]
            rungs += self._made_up(serving, settings)
        tally.resting.set(0.0)
        trial = lanes[_key(standing.newcomer)] if standing.newcomer is not None else None
        return Ladder(settings, rungs, self._desk.loop, partial(tally.fallbacks.add, 1.0), lambda opened: tally.resting.add(1.0 if opened else -1.0), trial)

    def _answers_for(self, serving: Lane, lane: Lane) -> bool:
        """Can a lane answer what another was asked: does it need no more, and say the same thing. Who relies on one that cannot is told."""
        one, other = serving.engine, lane.engine
        fits = (one.bundle.output.kind, one.bundle.output.target) == (other.bundle.output.kind, other.bundle.output.target)
        if fits and carried(Load(0, ()), one, other) is not None:
            return True
        if self._desk.worker == 0:
            why = "it takes columns that the other does not, or takes them otherwise" if fits else f"it predicts {other.bundle.output.target}"
            log.warning("%s is no fallback for %s: %s", other.offer, one.offer, why)
        return False

    def _made_up(self, serving: Lane, settings: Rollout) -> list[Lane]:
        assert settings.fallback is not None
        if settings.fallback.constant is None and not settings.fallback.rules:
            return []
        from mlforge.serving.rollout.madeup import MadeUp

        lane = Lane(MadeUp(serving.engine, settings.fallback), Pace(self._desk.settings.slo.p99_ms / 1000, 1e-5), self._desk.loop)
        lane.role, lane.fallback = "fallback", "declared"
        return [lane]


def _key(offer: Offer) -> str:
    """What tells a version from every other, of this model or another."""
    return f"{offer} {offer.digest}"


def _rung(lane: Lane) -> Lane:
    """The same lane as a rung: its queue and its graph, and answers that say so."""
    rung = copy.copy(lane)
    rung.role, rung.fallback = "fallback", str(lane.engine.offer)
    return rung


def _value(lane: Lane, load: Load, column: str) -> str | None:
    """A column of the first good row, as text."""
    if not load.good:
        return None
    place = lane.engine.inputs.index(column)
    value = load.rows[0][place] if load.rows is not None else load.columns[place][0].tolist() if load.columns is not None else None
    return str(value[0] if isinstance(value, list) else value)
