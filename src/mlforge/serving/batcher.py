"""Micro-batches: requests that are here at the same time go through the graph together, and none waits for one that is not here yet.

They are taken at the end of a turn of the loop; or at once, when all that are under way wait here, since then no other can join.
The time that rows take is learned while serving. It decides how many go together (so that a batch stays well within the objective), whether a batch is run in
the loop or beside it, and when more requests would only make all of them late: those are refused at once.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Literal

import msgspec

from mlforge.serving.http import Refused
from mlforge.serving.pace import Pace
from mlforge.serving.request_rows import RequestRows

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Answer", "Ask", "Batch", "Batcher", "Poisoned", "Run"]

log = logging.getLogger(__name__)

Columns = tuple["np.ndarray", ...]
Outputs = Mapping[str, "np.ndarray"]
Run = Callable[[Columns], Outputs]
Failure = Literal["failed", "late"]
_INLINE = 0.003  # seconds that a batch may hold up the loop
_NAMED = 10  # rows named in an error
_TRIALS = 64  # runs to find the rows that a graph fails on


class Poisoned(Refused):
    """A request with rows that the graph fails on, although they keep the contract. `places` are theirs among its good rows."""

    def __init__(self, places: Sequence[int], load: RequestRows) -> None:
        positions = load.positions()
        rows = [positions[place] for place in places]
        told = ", ".join(map(str, rows[:_NAMED])) + (f" and {len(rows) - _NAMED} more" if len(rows) > _NAMED else "")
        super().__init__(422, f"row {told}: the model fails on it, although it keeps the contract", more={"rows": rows})
        self.places = frozenset(places)


class Answer(msgspec.Struct, frozen=True, gc=False):
    """The outputs for one request's good rows: from `start` to `stop` of a batch's."""

    load: RequestRows
    outputs: Outputs
    start: int
    stop: int

    def output(self, name: str) -> np.ndarray:
        """One output, row by row."""
        whole = self.outputs[name]
        return whole if self.start == 0 and self.stop == len(whole) else whole[self.start : self.stop]


class Ask:
    """One request's rows, waiting for their answer."""

    __slots__ = ("answer", "arrived", "deadline", "id", "load", "rows")

    def __init__(self, load: RequestRows, ident: str, arrived: float, deadline: float, answer: asyncio.Future[Answer]) -> None:
        self.load, self.id, self.arrived, self.deadline, self.answer = load, ident, arrived, deadline, answer
        self.rows = load.good


class Batch(msgspec.Struct, frozen=True):
    """What went through the graph together, for whoever looks on: requests in order, the graph's inputs and outputs for all their good rows."""

    asks: Sequence[Ask]
    rows: int  # that are good, of all of them
    columns: Columns  # empty when none is
    outputs: Outputs
    seconds: float  # that the graph took
    finished: float  # as `time.perf_counter` has it


_Outcome = tuple[Sequence[Ask], Batch | Refused]  # of some of a batch's requests


class Batcher:
    """The queue before one engine."""

    def __init__(
        self, run: Run, columns: Callable[[Sequence[RequestRows]], Columns], pace: Pace, loop: asyncio.AbstractEventLoop, *,
        threads: ThreadPoolExecutor | None = None, under_way: Callable[[], float] = lambda: math.inf,
    ) -> None:  # fmt: skip
        """`under_way` says how many requests have begun in this loop and have no answer yet; unless told, any number may."""
        self._under_way = under_way
        self._run, self._columns, self.pace, self._loop = run, columns, pace, loop
        self._threads = threads
        self._queue: deque[Ask] = deque()
        self._rows = 0  # waiting
        self._busy = 0  # rows that are run beside the loop now
        self._running: list[Ask] = []  # and the requests they are of
        self._alarm: asyncio.TimerHandle | None = None  # for the first of those that wait longer than they may, while something runs beside the loop
        self.threaded = False  # run every batch beside the loop, however quick it is thought to be
        self.observers: list[Callable[[Batch], None]] = []
        self.failures: list[Callable[[Sequence[Ask], Failure], None]] = []  # called with requests that the graph failed on, or that came too late

    @property
    def waiting(self) -> int:
        """Rows that wait or are run."""
        return self._rows + self._busy

    def ask(self, load: RequestRows, ident: str, deadline: float) -> asyncio.Future[Answer]:
        """Put rows into the queue; their answer comes as the future's result. Raises Refused when it would come too late to be of use."""
        now = time.perf_counter()
        wait = self.pace.seconds(self.waiting) if self.waiting else 0.0
        if wait > self.pace.longest:
            raise Refused(503, "too many requests: this one would be answered too late", (("retry-after", str(max(1, math.ceil(wait)))),))
        answer: asyncio.Future[Answer] = self._loop.create_future()
        ask = Ask(load, ident, now, deadline, answer)
        self._queue.append(ask)
        self._rows += ask.rows
        if self._running:
            self._arm()
        elif len(self._queue) >= self._under_way():
            self._next()
        elif len(self._queue) == 1:
            self._loop.call_soon(self._next)
        return answer

    def _next(self) -> None:
        """Take what is there, and run it."""
        asks, rows = self._taken()
        if not asks:
            return
        if self._threads is not None and (self.threaded or self.pace.seconds(rows) > _INLINE):
            self._beside(asks, rows)
        else:
            self._finish(self._done(asks))
            self._onwards()

    def _onwards(self) -> None:
        if self._queue:
            self._loop.call_soon(self._next)

    def _taken(self) -> tuple[list[Ask], int]:
        """The next requests whose rows go together; those that nobody waits for any more are left out."""
        asks: list[Ask] = []
        rows, now = 0, time.perf_counter()
        while self._queue and (not asks or rows + self._queue[0].rows <= self.pace.rows):
            ask = self._queue.popleft()
            self._rows -= ask.rows
            if ask.answer.done():
                continue
            if ask.deadline < now:
                self._fail([ask], "late")
                continue
            asks.append(ask)
            rows += ask.rows
        return asks, rows

    def _beside(self, asks: list[Ask], rows: int) -> None:
        """Run a batch in a thread, so that the loop goes on; who waits longer than its deadline is told so meanwhile."""
        assert self._threads is not None
        self._busy, self._running = rows, asks
        self._arm()

        def finish(done: asyncio.Future[list[_Outcome]]) -> None:
            self._busy, self._running = 0, []
            if self._alarm is not None:
                self._alarm.cancel()
                self._alarm = None
            self._finish(done.result())
            self._onwards()

        self._loop.run_in_executor(self._threads, self._done, asks).add_done_callback(finish)

    def _arm(self) -> None:
        """Set the alarm for the first deadline of those that wait."""
        waiting = [ask.deadline for ask in (*self._running, *self._queue) if not ask.answer.done()]
        if waiting:
            when = self._loop.time() + max(0.001, min(waiting) - time.perf_counter())
            if self._alarm is None or when < self._alarm.when() - 0.001:
                if self._alarm is not None:
                    self._alarm.cancel()
                self._alarm = self._loop.call_at(when, self._overdue)

    def _overdue(self) -> None:
        self._alarm = None
        now = time.perf_counter()
        if late := [ask for ask in (*self._running, *self._queue) if ask.deadline <= now and not ask.answer.done()]:
            self._fail(late, "late")
        self._arm()

    def _done(self, asks: Sequence[Ask]) -> list[_Outcome]:
        """Run one batch. Of one that fails, a request that is to blame shall harm no other: halves are run again."""
        try:
            columns = self._columns([ask.load for ask in asks])
            begun = time.perf_counter()
            outputs = self._run(columns) if columns else {}
        except Exception as error:
            if len(asks) > 1:
                middle = len(asks) // 2
                return [*self._done(asks[:middle]), *self._done(asks[middle:])]
            log.warning("the model failed on a request of %d rows: %s: %s", asks[0].rows, type(error).__name__, str(error)[:300])
            return [(asks, self._blamed(asks[0].load) or Refused(*_TOLD["failed"]))]
        finished = time.perf_counter()
        rows = sum([ask.rows for ask in asks])
        self.pace.learn(rows, finished - begun)
        return [(asks, Batch(asks, rows, columns, outputs, finished - begun, finished))]

    def _finish(self, outcomes: Sequence[_Outcome]) -> None:
        """Give each request its answer."""
        for asks, done in outcomes:
            if isinstance(done, Refused):
                self._fail(asks, "failed", done)
                continue
            start = 0
            for ask in asks:
                stop = start + ask.rows
                if not ask.answer.done():
                    ask.answer.set_result(Answer(ask.load, done.outputs, start, stop))
                start = stop
            for observer in self.observers:
                observer(done)

    def _blamed(self, load: RequestRows) -> Refused | None:
        """The rows of one request that the graph fails on, found by halves; None when there are too many to be found so, or none when alone."""
        columns, trials = self._columns([load]), 0
        blamed: list[int] = []
        parts = [(0, load.good)]
        while parts:
            start, stop = parts.pop()
            trials += 1
            if trials > _TRIALS:
                return None
            try:
                self._run(tuple(column[start:stop] for column in columns))
            except Exception:
                if stop - start == 1:
                    blamed.append(start)
                else:
                    middle = (start + stop) // 2
                    parts += [(middle, stop), (start, middle)]
        return Poisoned(blamed, load) if blamed else None

    def _fail(self, asks: Sequence[Ask], how: Failure, why: Refused | None = None) -> None:
        """Tell who waits that there will be no answer."""
        for ask in asks:
            if not ask.answer.done():
                ask.answer.set_exception(why or Refused(*_TOLD[how]))
        for hear in self.failures:
            hear(asks, how)


_TOLD: dict[Failure, tuple[int, str]] = {
    "failed": (422, "the model cannot answer these rows, although they keep its contract"),
    "late": (504, "no answer within the deadline"),
}
