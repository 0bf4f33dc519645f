"""Rules by which trials are given up early. A rule sees numbers only, so that it can be shown again what a sweep that was killed had seen."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from statistics import fmean, median

__all__ = ["Brackets", "Halving", "Medians"]


@dataclass
class Halving:
    """Asynchronous successive halving: at each rung a trial goes on if it is among the best share of those that have come there.

    Liam Li et al., A System for Massively Parallel Hyperparameter Tuning (2020), in the stopping form of Ray Tune's AsyncHyperBandScheduler.
    """

    first: int  # epochs to the first rung
    reduction: float  # each rung is so many times further than the one before, and one in so many goes on
    _rungs: dict[int, dict[int, float]] = field(default_factory=dict)  # epoch → score by trial

    def stops(self, number: int, epoch: int, score: float) -> bool:
        """Is it, at a rung, worse than the best share."""
        if not self._is_rung(epoch):
            return False
        others = [one for trial, one in self._rungs.setdefault(epoch, {}).items() if trial != number]
        self._rungs[epoch][number] = score
        return bool(others) and score > _quantile(others, 1 / self.reduction)

    def _is_rung(self, epoch: int) -> bool:
        rung = float(self.first)
        while round(rung) < epoch:
            rung *= self.reduction
        return round(rung) == epoch


@dataclass
class Brackets:
    """HyperBand's brackets, each a halving that begins later than the one before; which a trial is in depends on the seed and its number."""

    brackets: tuple[Halving, ...]
    seed: int

    def stops(self, number: int, epoch: int, score: float) -> bool:
        """What its bracket says."""
        place = random.Random(f"{self.seed}/bracket/{number}").randrange(len(self.brackets))  # noqa: S311  # no secret
        return self.brackets[place].stops(number, epoch, score)


@dataclass
class Medians:
    """A trial is given up when its best score is worse than the median of the others' means up to the same epoch.

    Daniel Golovin et al., Google Vizier: A Service for Black-Box Optimization (2017).
    """

    grace: int
    enough: int  # others that have come as far
    _scores: dict[int, dict[int, float]] = field(default_factory=dict)  # by trial: by epoch

    def stops(self, number: int, epoch: int, score: float) -> bool:
        """Is its best worse than the median."""
        self._scores.setdefault(number, {})[epoch] = score
        others = [scores for trial, scores in self._scores.items() if trial != number and max(scores) >= epoch]
        if epoch < self.grace or len(others) < self.enough:
            return False
        means = [fmean(one for at, one in scores.items() if at <= epoch) for scores in others]
        return min(self._scores[number].values()) > median(means)


def _quantile(values: list[float], share: float) -> float:
    """Linear between the sorted values, as numpy has it."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])
