"""From rows with predictions to findings: a value, its interval, and how far a candidate is from the champion."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from pydantic import Field

from mlforge.artifact import ROW
from mlforge.components import Probe
from mlforge.finding import Finding
from mlforge.window import Profile, Window

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from mlforge.builtin.probes.resampling import Array

__all__ = ["EXACT", "Exact", "Metric", "Sample", "Settings", "gains", "measured", "names", "row_numbers"]

S = TypeVar("S")

EXACT = "rows"  # the table of an exact profile: ROW, `weight`, and what the metrics need


@dataclass(frozen=True)
class Metric(Generic[S]):
    """One measure of predictions."""

    name: str
    measure: Callable[[S, Array], Array]  # scored rows, weights [rows, weightings] → a value for each weighting; NaN where undefined
    better: Literal["higher", "lower"] | None = None
    undefined: Callable[[S], str] = field(default=lambda _: "it is undefined on these rows")  # why there is no value, when there is none
    trials: Callable[[S], np.ndarray | None] = field(default=lambda _: None)  # rows of which the value is a share, where it is one: gives a closed form
    corrected: bool = False  # biased upwards, so the interval is reflected at the value (the basic bootstrap), cut at 0 and made to hold the value
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
    """Scored rows in the order of their numbers."""

    scored: S
    rows: np.ndarray  # their numbers
    weight: Array
    broken: int = 0  # rows whose prediction is not a finite number

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True)
class Settings:
    """How intervals are made."""

    confidence: float
    resamples: int

    @property
    def percent(self) -> str:
        """The confidence as a person writes it."""
        return f"{100 * self.confidence:g} %"


def measured(metrics: Sequence[Metric[S]], sample: Sample[S], settings: Settings) -> Iterator[Finding]:
    """A finding for every metric, with an interval where there can be one; `value` is None, with the reason, where there is no value."""
    if (reason := _unusable(sample)) is not None:
        yield from (metric.finding(len(sample), None, reason) for metric in metrics)
        return
    weight = sample.weight[:, None]
    values = [float(metric.measure(sample.scored, weight)[0]) for metric in metrics]
    bootstrapped = [m for m, value in zip(metrics, values, strict=True) if len(sample) > 1 and _finite(value) and m.trials(sample.scored) is None]
    drawn = dict(zip([metric.name for metric in bootstrapped], _drawn(bootstrapped, [sample], settings)[0], strict=True))
    for metric, value in zip(metrics, values, strict=True):
        if not _finite(value):
            yield metric.finding(len(sample), None, metric.undefined(sample.scored))
            continue
        ends = _interval(metric, value, sample, drawn.get(metric.name), settings)
        yield metric.finding(len(sample), value, "").model_copy(update={"evidence": metric.evidence(sample.scored, sample.weight), **ends})


def gains(metrics: Sequence[Metric[S]], candidate: Sample[S], champion: Sample[S], settings: Settings) -> Iterator[Finding]:
    """`<metric>/gain` for every metric with a better direction: how much better the candidate is than the champion on the same rows, in the metric's own unit.

    Rows are resampled jointly, so what is hard for both counts against neither; the p-value is that of "no difference".
    """
    directed = [metric for metric in metrics if metric.better]
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

    from mlforge.builtin.probes.resampling import affordable, resamples

    if not metrics:
        return [[] for _ in samples]
    parts: list[list[list[Array]]] = [[[] for _ in metrics] for _ in samples]
    for weights in resamples(samples[0].rows, affordable(len(samples[0]), settings.resamples)):
        for sample, of_sample in zip(samples, parts, strict=True):
            weighted = weights * sample.weight[:, None]
            for metric, of_metric in zip(metrics, of_sample, strict=True):
                of_metric.append(metric.measure(sample.scored, weighted))
    return [[np.concatenate(of_metric) for of_metric in of_sample] for of_sample in parts]


def _interval(metric: Metric[S], value: float, sample: Sample[S], drawn: Array | None, settings: Settings) -> dict[str, Any]:
    from mlforge.builtin.probes.resampling import affordable, interval, wilson

    if (trials := metric.trials(sample.scored)) is not None:
        weight = sample.weight[trials]
        low, high = wilson(value, float(weight.sum() ** 2 / (weight**2).sum()), settings.confidence)
        return {"low": low, "high": high, "interval": f"{settings.percent} Wilson score"}
    ends = None if drawn is None else interval(drawn, settings.confidence)
    if ends is None:
        return {}
    count = affordable(len(sample), settings.resamples)
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


class Exact(Probe):
    """An evaluator that keeps every row's score, target and weight: exact, mergeable in any order, and able to compare two models row by row."""

    confidence: float = Field(default=0.95, ge=0.5, lt=1, description="confidence of the intervals")
    resamples: int = Field(
        default=1000, ge=200, le=20000, description="how often rows are resampled for an interval; fewer when there are more than 20,000 rows"
    )

    def merge(self, one: Profile, other: Profile) -> Profile:
        """Both partitions' rows."""
        import polars as pl

        if not one.tables or not other.tables:
            return one if one.tables else other
        tables = {name: pl.concat([one.tables[name], other.tables[name]]) if name == EXACT else table for name, table in one.tables.items()}
        return Profile(tables, exact=True)

    def findings(self, profile: Profile, reference: Profile | None) -> Iterable[Finding]:
        """Every metric; with the champion's profile over the same rows also how much better the candidate is."""
        if not profile.tables:
            return
        settings = Settings(self.confidence, self.resamples)
        metrics = self.metrics(profile)
        yield from measured(metrics, self._sample(profile), settings)
        if reference is not None and reference.tables:
            yield from gains(metrics, self._sample(profile, reference), self._sample(reference, profile), settings)

    def _sample(self, profile: Profile, other: Profile | None = None) -> Sample[Any]:
        """The exact table as arrays, in the order of the rows' numbers; only rows that the other profile has too."""
        import numpy as np
        import polars as pl

        table = profile.tables[EXACT].sort(ROW)
        if other is not None:
            table = table.join(other.tables[EXACT], on=ROW, how="semi").sort(ROW)
        numbers = table.select(pl.col(pl.Float64).exclude("weight")).to_numpy()
        broken = int((~np.isfinite(numbers)).any(axis=1).sum())
        return Sample(self.scored(profile, table), table[ROW].to_numpy(), table["weight"].to_numpy(), broken)

    @abstractmethod
    def metrics(self, profile: Profile) -> Sequence[Metric[Any]]:
        """What is measured."""

    @abstractmethod
    def scored(self, profile: Profile, table: pl.DataFrame) -> Any:
        """The exact table's rows as the metrics take them."""


def names(metrics: Sequence[Metric[S]]) -> list[str]:
    """The findings that these metrics make."""
    return [*(metric.name for metric in metrics), *(f"{metric.name}/gain" for metric in metrics if metric.better)]


def row_numbers(window: Window) -> pl.DataFrame:
    """Each row's number and weight: the first columns of an exact table. Rows without a number are numbered by what is in them."""
    import polars as pl

    numbers = window.rows[ROW] if ROW in window.rows.columns else window.rows.hash_rows(seed=0)
    weights = window.contract.having("weight")
    weight = window.rows[weights[0]].cast(pl.Float64) if weights else pl.repeat(1.0, len(window.rows), dtype=pl.Float64, eager=True)
    return pl.DataFrame({ROW: numbers.cast(pl.UInt64), "weight": weight})
