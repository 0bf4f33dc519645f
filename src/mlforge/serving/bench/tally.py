"""What a round counts."""

from __future__ import annotations

from collections import Counter

from mlforge.serving.bench.connection import BROKEN
from mlforge.serving.bench.histogram import Histogram
from mlforge.serving.bench.job import CURVE, Measured, Round

__all__ = ["Tally"]

_OK = 200
_BEYOND = 4  # a percentile is told when at least so many answers took longer


class Tally:
    """Answers of the seconds that are measured; what began before them only warms up."""

    __slots__ = ("_round", "_times", "_within", "begins", "behind", "ends", "errors")

    def __init__(self, round_: Round, begins: float) -> None:
        self._round, self._times, self._within = round_, Histogram(), 0
        self.begins, self.ends = begins, begins + round_.seconds
        self.errors = Counter[str]()
        self.behind = Histogram()

    def answer(self, status: int, asked: float, now: float) -> None:
        """One has come, or its connection broke."""
        if status == _OK and self.begins <= now <= self.ends:
            self._within += 1
        if asked < self.begins:
            return
        if status == _OK:
            self._times.add(now - asked)
        else:
            self.errors["broken" if status == BROKEN else str(status)] += 1

    def measured(self) -> Measured:
        """All of it, when the round is over."""
        times = self._times
        told = [share for share in CURVE if times.count * (1 - share) >= _BEYOND or share == 0]
        p50, p90, p99, p999 = times.percentiles((0.5, 0.9, 0.99, 0.999)) or (None,) * 4
        return Measured(
            round=self._round, answered=times.count, throughput=self._within / self._round.seconds,
            curve=tuple(zip(told, times.percentiles(told), strict=False)), p50=p50, p90=p90, p99=p99, p999=p999,
            longest=times.longest if times.count else None, errors=dict(sorted(self.errors.items())), behind=self.behind.percentile(0.99) or 0.0,
        )  # fmt: skip
