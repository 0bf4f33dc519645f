"""From rows with predictions to findings: a value, its interval, and how far a candidate is from the champion."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from mlforge.finding import Finding

if TYPE_CHECKING:
    import numpy as np

    from mlforge.builtin.probes.resampling import Array

__all__ = ["Metric", "Sample", "Settings", "gains", "measured", "names"]

S = TypeVar("S")


@dataclass(frozen=True)
class Metric(Generic[S]):
    """One measure of predictions."""

    name: str
    measure: Callable[[S, Array], Array]  # scored rows, weights [rows, weightings] → a value for each weighting; NaN where undefined
    better: Literal["higher", "lower"] | None = None
    undefined: Callable[[S], str] = field(default=lambda _: "it is undefined on these rows")  # why there is no value, when there is none
    trials: Callable[[S], np.ndarray | None] = field(default=lambda _: None)  # rows of which the value is a share, where it is one: gives a closed form
    corrected: bool = False  # biased upwards, so the interval is reflected at the value (the basic bootstrap), cut at 0 and made to hold the value
    few: Callable[[S, Array, Array], float] | None = None  # of a score from 0 to 1: rows of the smallest class, by weight and squared weight
    told: Callable[[S, Array, float], str] = field(default=lambda *_: "")  # what else is to be said
    compared: bool = True  # with the champion
    evidence: Callable[[S, Array], dict[str, Any]] = field(default=lambda *_: {})
    unit: str = ""

    def finding(self, rows: int, value: float | None, text: str) -> Finding:
        """The measurement without its interval."""
        return Finding(name=self.name, value=value, text=text, unit=self.unit, better=self.better, rows=rows)

    def gain(self, rows: int, value: float | None, text: str) -> Finding:
        """How much better the candidate is than the champion: positive when better, whichever direction the metric has."""
        return Finding(name=f"{self.name}/gain", value=value, text=text, unit=self.unit, better="higher", rows=rows)


@dataclass(frozen=True)
class Sample(Generic[S]):
    """Scored rows in the order of their numbers, or cells of rows that are alike."""

    scored: S
    rows: np.ndarray | None  # their numbers; None of cells
    weight: Array
    square: Array  # squared weights: of a cell, the sum of its rows'
    count: int  # of rows
    broken: int = 0  # rows whose prediction is not a finite number

    def __len__(self) -> int:
        return self.count

    def drawn(self, count: int) -> Iterator[Array]:
        """Weights of so many resamples, [rows or cells, a few at a time]."""
        from mlforge.builtin.probes.resampling import poisson, resamples

        if self.rows is None:
            yield from poisson(self.weight, self.square, count)
        else:
            yield from (weights * self.weight[:, None] for weights in resamples(self.rows, count))

    def resamples(self, wanted: int) -> int:
        """How many resamples are drawn: all that are wanted of cells, and of many rows fewer."""
        from mlforge.builtin.probes.resampling import affordable

        return wanted if self.rows is None else affordable(len(self), wanted)


@dataclass(frozen=True)
class Settings:
    """How intervals are made."""

    confidence: float
    resamples: int

    @property
    def percent(self) -> str:
        """The confidence as a person writes it."""
        return f"{100 * self.confidence:g} %"


def measured(metrics: Sequence[Metric[S]], sample: Sample[S], settings: Settings, cells: Sample[S] | None = None) -> Iterator[Finding]:
    """A finding for every metric, with an interval where there can be one; `value` is None, with the reason, where there is no value.

    Intervals are drawn from `cells`, where they are given, and not from the rows.
    """
    if (reason := _unusable(sample)) is not None:
        yield from (metric.finding(len(sample), None, reason) for metric in metrics)
        return
    weight = sample.weight[:, None]
    values = [float(metric.measure(sample.scored, weight)[0]) for metric in metrics]
    bootstrapped = [m for m, value in zip(metrics, values, strict=True) if len(sample) > 1 and _finite(value) and m.trials(sample.scored) is None]
    drawn = dict(zip([metric.name for metric in bootstrapped], _drawn(bootstrapped, [cells or sample], settings)[0], strict=True))
    for metric, value in zip(metrics, values, strict=True):
        if not _finite(value):
            yield metric.finding(len(sample), None, metric.undefined(sample.scored))
            continue
        ends = _interval(metric, value, sample, drawn.get(metric.name), settings, (cells or sample).resamples(settings.resamples))
        text = metric.told(sample.scored, sample.weight, value)
        yield metric.finding(len(sample), value, text).model_copy(update={"evidence": metric.evidence(sample.scored, sample.weight), **ends})


def gains(metrics: Sequence[Metric[S]], candidate: Sample[S], champion: Sample[S], settings: Settings) -> Iterator[Finding]:
    """`<metric>/gain` for every metric with a better direction: how much better the candidate is than the champion on the same rows, in the metric's own unit.

    Rows are resampled jointly, so what is hard for both counts against neither; the p-value is that of "no difference".
    """
    directed = [metric for metric in metrics if metric.better and metric.compared]
    reason = _unusable(candidate) or (f"the champion: {broken}" if (broken := _unusable(champion)) else None)
    if reason is not None:
        yield from (metric.gain(len(candidate), None, reason) for metric in directed)
        return
    drawn = _drawn(directed, [candidate, champion], settings) if len(candidate) > 1 else None
    for index, metric in enumerate(directed):
        sign = 1 if metric.better == "higher" else -1
        mine, theirs = (float(metric.measure(sample.scored, sample.weight[:, None])[0]) for sample in (candidate, champion))
        if not (_finite(mine) and _finite(theirs)):
            whose = candidate if not _finite(mine) else champion
            yield metric.gain(len(candidate), None, metric.undefined(whose.scored) + ("" if whose is candidate else " (the champion)"))
            continue
        ends = {} if drawn is None else _paired(sign * (drawn[0][index] - drawn[1][index]), len(candidate), settings)
        evidence = {"candidate": mine, "champion": theirs, **ends.pop("evidence", {})}
        yield metric.gain(len(candidate), sign * (mine - theirs), "").model_copy(update={"evidence": evidence, **ends})


def _paired(differences: Array, rows: int, settings: Settings) -> dict[str, Any]:
    from mlforge.builtin.probes.resampling import affordable, interval, p_value

    ends = interval(differences, settings.confidence)
    if ends is None:
        return {}
    how = f"{settings.percent} paired bootstrap over rows, {affordable(rows, settings.resamples)} resamples"
    return {"low": ends[0], "high": ends[1], "interval": how, "evidence": {"p_value": p_value(differences)}}


def _drawn(metrics: Sequence[Metric[S]], samples: Sequence[Sample[S]], settings: Settings) -> list[list[Array]]:
    """Resampled values of every metric on every sample, all under the same weights: the samples have the same rows."""
    import numpy as np

    if not metrics:
        return [[] for _ in samples]
    parts: list[list[list[Array]]] = [[[] for _ in metrics] for _ in samples]
    count = samples[0].resamples(settings.resamples)
    for weightings in zip(*(sample.drawn(count) for sample in samples), strict=True):
        for sample, weights, of_sample in zip(samples, weightings, parts, strict=True):
            for metric, of_metric in zip(metrics, of_sample, strict=True):
                of_metric.append(metric.measure(sample.scored, weights))
    return [[np.concatenate(of_metric) for of_metric in of_sample] for of_sample in parts]


def _interval(metric: Metric[S], value: float, sample: Sample[S], drawn: Array | None, settings: Settings, count: int) -> dict[str, Any]:
    from mlforge.builtin.probes.resampling import clopper_pearson, interval, wilson

    if (trials := metric.trials(sample.scored)) is not None:
        low, high = wilson(value, float(sample.weight[trials].sum() ** 2 / sample.square[trials].sum()), settings.confidence)
        return {"low": low, "high": high, "interval": f"{settings.percent} Wilson score"}
    ends = None if drawn is None else interval(drawn, settings.confidence)
    if ends is None:
        return {}
    if metric.few is not None and ends[0] == ends[1] and value in (0.0, 1.0):
        few = metric.few(sample.scored, sample.weight, sample.square)
        low, high = clopper_pearson(value, few, settings.confidence)
        return {"low": low, "high": high, "interval": f"{settings.percent} Clopper–Pearson over the {few:.0f} rows of the smallest class"}
    if metric.corrected:
        ends = max(0.0, 2 * value - ends[1]), max(value, 2 * value - ends[0])
    return {"low": ends[0], "high": ends[1], "interval": f"{settings.percent} {'basic ' if metric.corrected else ''}bootstrap over rows, {count} resamples"}


def _unusable(sample: Sample[S]) -> str | None:
    if not len(sample):
        return "there are no rows to measure on"
    if sample.broken:
        return f"{sample.broken} of {len(sample)} predictions are not finite numbers"
    return None if sample.weight.sum() > 0 else "the rows' weights add up to nothing"


def _finite(value: float) -> bool:
    return value - value == 0


def names(metrics: Sequence[Metric[S]]) -> list[str]:
    """The findings that these metrics make."""
    return [*(metric.name for metric in metrics), *(f"{metric.name}/gain" for metric in metrics if metric.better and metric.compared)]
