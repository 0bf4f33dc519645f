"""Rates and errors of groups, with intervals in closed form, and how far groups are apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import isfinite
from statistics import NormalDist
from typing import Literal

from mlforge.builtin.probes.groups import Group
from mlforge.builtin.probes.resampling import wilson

__all__ = ["Apart", "Rate", "apart", "rates"]


@dataclass(frozen=True)
class Rate:
    """A share of rows, or a mean over rows, of one group."""

    value: float
    low: float
    high: float
    trials: float  # effective number of rows that it is a share or a mean of

    @property
    def defined(self) -> bool:
        """Is there a value."""
        return isfinite(self.value)


Measure = Callable[[Group, float], Rate]


@dataclass(frozen=True)
class Named:
    """A measure of a group."""

    measure: Measure
    better: Literal["higher", "lower"] | None
    what: str  # of which rows it is a share, for the sentence when there are none
    how: str  # the interval


def rates(classes: Sequence[str]) -> Mapping[str, Named]:
    """What can be measured in a group, by name: of the positive class (the last) where there are two; of values where there are no classes."""
    if not classes:
        return {
            "mae": Named(_mean("absolute"), "lower", "rows", "normal"),
            "rmse": Named(_root("squared"), "lower", "rows", "normal"),
            "bias": Named(_mean("error"), None, "rows", "normal"),
        }
    always: dict[str, Named] = {
        "accuracy": _share(lambda true, said: true == said, lambda true, said: True, "higher", "rows"),
        "log_loss": Named(_mean("log_loss"), "lower", "rows", "normal"),
        "brier": Named(_mean("brier"), "lower", "rows", "normal"),
    }
    if len(classes) != 2:
        return always
    return always | {
        "selection_rate": _share(lambda true, said: said == 1, lambda true, said: True, None, "rows"),
        "recall": _share(lambda true, said: said == 1, lambda true, said: true == 1, "higher", f"rows of class {classes[1]}"),
        "false_positive_rate": _share(lambda true, said: said == 1, lambda true, said: true != 1, "lower", f"rows not of class {classes[1]}"),
        "precision": _share(lambda true, said: true == 1, lambda true, said: said == 1, "higher", f"rows predicted to be {classes[1]}"),
    }


def _share(above: Callable[[int, int], bool], below: Callable[[int, int], bool], better: Literal["higher", "lower"] | None, what: str) -> Named:
    def measure(group: Group, confidence: float) -> Rate:
        value, trials = group.share(above, below)
        if not trials:
            return Rate(value, value, value, 0.0)
        return Rate(value, *wilson(value, trials, confidence), trials)

    return Named(measure, better, what, "Wilson score")


def _mean(quantity: str) -> Measure:
    def measure(group: Group, confidence: float) -> Rate:
        value, error = group.mean(quantity)
        half = NormalDist().inv_cdf((1 + confidence) / 2) * error
        return Rate(value, value - half, value + half, group.weight**2 / group.square if group.square else 0.0)

    return measure


def _root(quantity: str) -> Measure:
    squared = _mean(quantity)

    def measure(group: Group, confidence: float) -> Rate:
        rate = squared(group, confidence)
        value, low, high = (max(0.0, one) ** 0.5 if isfinite(one) else one for one in (rate.value, rate.low, rate.high))
        return Rate(value, low, high, rate.trials)

    return measure


@dataclass(frozen=True)
class Apart:
    """The two groups that are furthest apart. The interval holds for all pairs at once: looking for the worst pair does not make it wrong."""

    value: float
    low: float
    high: float
    least: str
    most: str
    pairs: int


def apart(of: Mapping[str, Group], measure: Measure, confidence: float) -> Apart | None:
    """How far the groups' rates are apart; None with fewer than two that have one.

    Each pair has Newcombe's hybrid score interval (1998, method 10) at the confidence that Bonferroni asks of so many pairs, so that the lower end lies above
    the true largest difference in at most the stated share of cases, however many groups there are and however small they are.
    """
    plain = {name: measure(group, confidence) for name, group in of.items()}
    defined = [name for name, rate in plain.items() if rate.defined]
    pairs = list(combinations(defined, 2))
    if not pairs:
        return None
    single = 1 - (1 - confidence) / len(pairs)
    wide = {name: measure(of[name], single) for name in defined}
    low = high = 0.0
    for one, other in pairs:
        less, more = sorted((wide[one], wide[other]), key=lambda rate: rate.value)
        between = more.value - less.value
        low = max(low, between - ((more.value - more.low) ** 2 + (less.high - less.value) ** 2) ** 0.5)
        high = max(high, between + ((more.high - more.value) ** 2 + (less.value - less.low) ** 2) ** 0.5)
    least, most = min(defined, key=lambda name: (plain[name].value, name)), max(defined, key=lambda name: (plain[name].value, name))
    return Apart(plain[most].value - plain[least].value, low, high, least, most, len(pairs))
