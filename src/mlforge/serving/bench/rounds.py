"""The rounds of a bench, one after the other, and what they are held against."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from mlforge.serving.bench.asking import Address
from mlforge.serving.bench.bodies import Rows, bodies
from mlforge.serving.bench.job import Job, Measured, Round
from mlforge.serving.bench.load import loaded

__all__ = ["Rounds"]

_SHARE = 0.5  # of what the closed loop reached: the rate of an open loop for which none was declared


@dataclass(frozen=True, slots=True)
class Rounds:
    """What is asked of whom."""

    address: Address
    model: str
    rows: Rows
    connections: Sequence[int]
    counts: Sequence[int]  # rows of a request
    seconds: float
    rate: float | None
    tell: Callable[[str], None]  # what begins

    def run(self) -> Iterator[Measured]:
        """For each count of rows: the closed loop with so many connections each, then the open one."""
        for count in self.counts:
            asked = bodies(self.rows, count)
            self.address.tried(self.model, asked[0])
            reached = 0.0
            for connections in self.connections:
                measured = self._loaded(Round(loop="closed", rows=count, connections=connections, seconds=self.seconds), asked)
                reached = max(reached, measured.throughput)
                yield measured
            rate = self.rate or _SHARE * reached
            if rate:
                yield self._loaded(Round(loop="open", rows=count, connections=max(self.connections), rate=rate, seconds=self.seconds), asked)

    def _loaded(self, round_: Round, asked: tuple[str, ...]) -> Measured:
        self.tell(str(round_))
        at = self.address
        return loaded(Job(host=at.host, port=at.port, tls=at.tls, path=at.path(self.model), key_env=at.key_env, bodies=asked, round=round_))
