"""The fallback ladder: when a version fails, is too slow or has an open breaker, the next rung answers, flagged as a fallback."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from math import inf

from mlforge.service.rollout import Rollout
from mlforge.serving.batcher import Answer
from mlforge.serving.http import Refused
from mlforge.serving.lane import Lane
from mlforge.serving.request_rows import RequestRows
from mlforge.serving.rollout.breaker import Breaker, State
from mlforge.serving.rollout.carrying import carried
from mlforge.serving.rollout.declared import DeclaredEngine

__all__ = ["Ladder"]

_FAILED = (422, 504)  # the graph failed, or was late
_REFUSED = 503  # there is too much to do: no other model is given more of it


class Ladder:
    """Asks one version, and then the rungs below it. `ask` replaces `Served.ask`."""

    def __init__(
        self, settings: Rollout, rungs: Sequence[Lane], loop: asyncio.AbstractEventLoop, fell: Callable[[], None], opened: Callable[[bool], None],
        trial: Lane | None = None,
    ) -> None:  # fmt: skip
        self._rungs, self._loop, self._fell, self._opened = rungs, loop, fell, opened
        self._timeout = inf if settings.timeout_ms is None else settings.timeout_ms / 1000
        self._settings = settings.breaker
        self._breakers: dict[Lane, Breaker] = {}
        self._trial = trial  # it is given no rest: its share is small, and how it fails is what is to be found out

    async def ask(self, lane: Lane, load: RequestRows, ident: str, deadline: float) -> tuple[Lane, Answer]:
        """The answer, and the lane that gave it. Raises Refused when there is no rung that can; within twice the timeout in any case."""
        begun = time.perf_counter()
        try:
            return lane, await self._asked(lane, load, ident, min(deadline, begun + self._timeout))
        except Refused as refused:
            if refused.status not in (*_FAILED, _REFUSED):
                raise
            refusal = refused
        for rung in self._rungs:
            declared = isinstance(rung.engine, DeclaredEngine)
            taken = carried(load, lane.engine, rung.engine) if rung.engine is not lane.engine else None
            if taken is None or (refusal.status == _REFUSED and not declared):
                continue
            try:
                answer = await self._asked(rung, taken, ident, inf if declared else min(deadline, begun + 2 * self._timeout))
            except Refused:
                continue
            self._fell()
            return rung, answer
        raise refusal

    async def _asked(self, lane: Lane, load: RequestRows, ident: str, deadline: float) -> Answer:
        """The answer of this lane, if its breaker allows. Raises Refused."""
        breaker = self._breakers.get(lane)
        if breaker is None:
            breaker = self._breakers[lane] = Breaker(self._settings)
        if self._rungs and lane is not self._trial and not breaker.allows():
            raise Refused(422, "the model is given a rest, for it has failed again and again")
        try:
            answer = await self._bounded(lane.ask(load, ident, deadline), deadline)
        except Refused as refused:
            if refused.status in _FAILED:
                self._note(breaker, failed=True)
            raise
        self._note(breaker, failed=False)
        return answer

    async def _bounded(self, answer: asyncio.Future[Answer], deadline: float) -> Answer:
        """The answer, or Refused when the deadline comes first: whatever the graph is doing."""
        if deadline == inf:
            return await answer
        timer = self._loop.call_later(max(0.0, deadline - time.perf_counter()) + 0.002, _late, answer)
        try:
            return await answer
        finally:
            timer.cancel()

    def _note(self, breaker: Breaker, *, failed: bool) -> None:
        before = breaker.state
        breaker.note(failed)
        if (before is State.CLOSED) != (breaker.state is State.CLOSED):
            self._opened(breaker.state is not State.CLOSED)


def _late(answer: asyncio.Future[Answer]) -> None:
    if not answer.done():
        answer.set_exception(Refused(504, "no answer within the time that the model is given"))
