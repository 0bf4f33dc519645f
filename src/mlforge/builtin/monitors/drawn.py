"""How often windows alarm that were drawn from the reference itself: counted where that is often, else read from the tail of their p-values.

A promise of one false alarm a month leaves an hourly look a chance of 0.14 %: of 8,000 windows, eleven, and nobody learns from eleven whether they were to be
nine or fifteen. The smallest p-values of all windows lie on a power law, as those of any sound test do, with an exponent near 1: two hundred of them say how
often one is below the level (Hill, 1975).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from statistics import NormalDist
from typing import TYPE_CHECKING

from mlforge.builtin.monitors.tails import clopper_pearson
from mlforge.finding import Finding

if TYPE_CHECKING:
    from mlforge.builtin.monitors.promise import Promise
    from mlforge.builtin.monitors.tails import Array

__all__ = ["CONFIDENCE", "Drawn", "achieved"]

CONFIDENCE = 0.99
_COUNTED = 30  # windows that should alarm, from which counting them is good enough
_TAIL, _SHORT, _BELOW = 200, 50, 0.2  # windows of the tail, at most and at least, and where it ends


@dataclass(frozen=True)
class Drawn:
    """Windows drawn from the reference."""

    rows: int  # of each window
    least: Array  # of each window, the smallest adjusted p-value among the columns that moved far enough to matter

    @property
    def windows(self) -> int:
        """How many."""
        return len(self.least)

    def alarms(self, level: float) -> int:
        """How many alarm."""
        return int((self.least <= level).sum())

    def rate(self, level: float) -> float:
        """The share of windows that alarm."""
        if not self.read(level):
            return self.alarms(level) / self.windows
        count, end, slope = self._tail
        return count / self.windows * float((level / end) ** slope)

    def interval(self, level: float) -> tuple[float, float]:
        """Of that share."""
        import math

        if not self.read(level):
            return clopper_pearson(self.alarms(level), self.windows, CONFIDENCE)
        count, end, _ = self._tail
        half = NormalDist().inv_cdf((1 + CONFIDENCE) / 2) * ((1 + math.log(end / level) ** 2) / count) ** 0.5
        rate = self.rate(level)
        return rate * math.exp(-half), min(rate * math.exp(half), 1.0)

    def level(self, rate: float) -> float:
        """At which this share of windows alarms."""
        import numpy as np

        if not self.read(rate):
            return float(np.sort(self.least)[max(int(rate * self.windows) - 1, 0)])
        count, end, slope = self._tail
        return float(end * (rate * self.windows / count) ** (1 / slope))

    def factor(self, level: float) -> float:
        """By how much the level must be lowered, so that what these windows show is no more than it allows; 1 where it is not."""
        return 1.0 if self.rate(level) <= level else min(1.0, max(self.level(level) / level * 0.999, 1e-6))

    def how(self, level: float) -> str:
        """The share's interval, in words."""
        return f"99 %, from the tail of {self._tail[0]} drawn windows (Hill)" if self.read(level) else "99 % Clopper–Pearson over drawn windows"

    def read(self, level: float) -> bool:
        """Is it read from the tail: too few windows to count, and a tail that reaches further than the level."""
        count, end, _ = self._tail
        return level * self.windows < _COUNTED and count >= _SHORT and level < end

    @cached_property
    def _tail(self) -> tuple[int, float, float]:
        """How many windows are in it, where it ends, and its exponent."""
        import numpy as np

        ranked = np.maximum(np.sort(self.least), 1e-300)
        count = min(_TAIL, int((ranked < _BELOW).sum()) - 1)
        if count < _SHORT:
            return max(count, 0), 0.0, 1.0
        end = float(ranked[count])
        return count, end, float(count / max(np.log(end / ranked[:count]).sum(), 1e-12))


def achieved(about: str, promise: Promise, drawn: Drawn, factor: float) -> Finding:
    """How often windows alarm without cause at the level that was settled on, beside what was promised."""
    level = promise.level * factor
    share, (low, high), count = drawn.rate(level), drawn.interval(level), drawn.alarms(level)
    told = f"{count:,}, where their tail says {share:.2%}, alarm without cause" if drawn.read(level) else f"{share:.2%} alarm without cause"
    lowered = "" if factor == 1 else f"; for that, the level was lowered to {factor:.2g} of itself"
    text = (
        f"of {drawn.windows:,} windows of {drawn.rows:,} rows drawn from the reference, {told};"
        f" {promise.false_alarms} with {promise.windowing.text} allows {promise.level:.2%}{lowered}"
    )
    name, evidence = f"{about}/false_alarms", {"allowed": promise.level, "factor": factor}
    return Finding(name=name, value=share, low=low, high=high, interval=drawn.how(level), text=text, better="lower", rows=drawn.rows, evidence=evidence)
