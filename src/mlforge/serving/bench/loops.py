"""The two ways to ask: again when the answer is there, and when the time has come.

In a closed loop a server that pauses is not asked meanwhile, so that a pause of a second is one slow answer among thousands ("coordinated omission": Gil Tene,
"How NOT to Measure Latency"). In the open loop requests arrive at random moments (a Poisson process), whatever the server does, and the latency of each counts
from the moment at which it was to be sent, as in wrk2.
"""

from __future__ import annotations

import asyncio
import random
import ssl
import time
from collections import deque
from itertools import cycle

from mlforge.serving.bench.connection import Connection, head
from mlforge.serving.bench.job import Job, Measured
from mlforge.serving.bench.tally import Tally
from mlforge.serving.bench.waking import Waker

__all__ = ["ClosedLoop", "OpenLoop"]

_LINGER = 10.0  # seconds that answers are waited for when a round is over
_AGAIN = 0.05  # seconds before a connection that could not be opened is tried again
_clock = time.perf_counter


class ClosedLoop:
    """Each connection asks again as soon as it is answered."""

    def __init__(self, job: Job, key: str, tls: ssl.SSLContext | None) -> None:
        self._job, self._tls = job, tls
        bodies = [body.encode() for body in job.bodies]
        self._requests = cycle([head(f"{job.host}:{job.port}", job.path, len(body), key) + body for body in bodies])
        self._tally = Tally(job.round, _clock())
        self._under_way = 0
        self._open: set[Connection] = set()
        self._reopening: set[asyncio.Task[None]] = set()

    async def run(self) -> Measured:
        """The round. Raises OSError when the server cannot be reached at all."""
        seconds = self._job.round.seconds
        for _ in range(self._job.round.connections):
            await self._connect()
        self._tally = Tally(self._job.round, _clock() + min(1.0, seconds / 5))
        for connection in list(self._open):
            self._free(connection, _clock())
        self._begin()
        await asyncio.sleep(self._tally.ends - _clock())
        while self._waits and _clock() < self._tally.ends + _LINGER:
            await asyncio.sleep(0.005)
        if self._waits:
            self._tally.errors["unanswered"] = self._waits
        for task in list(self._reopening):
            task.cancel()
        for connection in list(self._open):
            connection.close()
        return self._tally.measured()

    def _begin(self) -> None:
        """Nothing more: all connections ask."""

    @property
    def _waits(self) -> int:
        """Requests whose answer is still to come."""
        return self._under_way

    def _free(self, connection: Connection, now: float) -> None:
        """A connection can be asked."""
        if now < self._tally.ends:
            self._ask(connection, now)

    def _ask(self, connection: Connection, at: float) -> None:
        self._under_way += 1
        connection.ask(next(self._requests), at)

    def _answered(self, connection: Connection, status: int) -> None:
        now = _clock()
        asked, connection.asked = connection.asked, None
        if asked is None:  # an answer to nothing; some servers say so before they hang up
            return
        self._under_way -= 1
        self._tally.answer(status, asked, now)
        if connection.is_open:
            self._free(connection, now)

    async def _connect(self) -> Connection:
        def made() -> Connection:
            return Connection(self._answered, self._lost)

        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(made, self._job.host, self._job.port, ssl=self._tls)
        self._open.add(connection)
        return connection

    def _lost(self, connection: Connection) -> None:
        self._open.discard(connection)
        if _clock() < self._tally.ends:
            task = asyncio.ensure_future(self._reopen())
            self._reopening.add(task)
            task.add_done_callback(self._reopening.discard)

    async def _reopen(self) -> None:
        while _clock() < self._tally.ends:
            try:
                connection = await self._connect()
            except OSError:
                self._tally.errors["refused"] += 1
                await asyncio.sleep(_AGAIN)
            else:
                self._free(connection, _clock())
                return


class OpenLoop(ClosedLoop):
    """Requests arrive at random, so many a second on average; when all connections are busy they wait, and that counts."""

    def __init__(self, job: Job, key: str, tls: ssl.SSLContext | None) -> None:
        super().__init__(job, key, tls)
        assert job.round.rate is not None
        self._rate, self._random = job.round.rate, random.Random(job.seed)  # noqa: S311 - arrivals, no secret
        self._idle: deque[Connection] = deque()
        self._due: deque[float] = deque()
        self._next = 0.0

    @property
    def _waits(self) -> int:
        return self._under_way + len(self._due)

    def _begin(self) -> None:
        self._next = _clock() + self._random.expovariate(self._rate)
        self._waker = Waker(self._tick)
        self._waker.wake(self._next)

    def _free(self, connection: Connection, now: float) -> None:
        if self._due:
            self._ask(connection, self._due.popleft())
        else:
            self._idle.append(connection)

    def _tick(self) -> None:
        now = _clock()
        while self._next <= now and self._next < self._tally.ends:
            self._arrive(self._next, now)
            self._next += self._random.expovariate(self._rate)
        if self._next >= self._tally.ends:
            self._waker.close()
            return
        self._waker.wake(self._next)

    def _arrive(self, at: float, now: float) -> None:
        while self._idle:
            connection = self._idle.popleft()
            if connection.is_open:
                if at >= self._tally.begins:
                    self._tally.behind.add(now - at)
                self._ask(connection, at)
                return
        self._due.append(at)
