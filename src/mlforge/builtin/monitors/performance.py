"""The monitor performance."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from mlforge.builtin.monitors.promise import FEW, WANTED, Promise
from mlforge.builtin.monitors.scores import SCORES, Scores, added, scored
from mlforge.contract import Contract
from mlforge.finding import Finding
from mlforge.task import Task
from mlforge.units import Share
from mlforge.window import Profile, Window

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Performance"]

_SUMS = "sums"
_MEASURES = ("right", "log_loss", "brier", "absolute", "squared", "error")
_TOLD = {"right": ("accuracy", "higher"), "log_loss": ("log_loss", "lower"), "brier": ("brier", "lower"), "absolute": ("mae", "lower"),
         "squared": ("rmse", "lower"), "error": ("bias", None)}  # fmt: skip
_ALARMING = {"classes": ("right", "log_loss"), "value": ("absolute",)}


@dataclass(frozen=True)
class Mean:
    """A mean over labelled rows, and its standard error."""

    value: float
    error: float


class Performance(Promise):
    """How well the model does on the rows whose labels have arrived, held against the test rows.

    Means over rows with normal intervals, and the area under the ROC curve from bins of scores. It alarms when accuracy or log loss (of values: mean absolute
    error) is worse than on the test rows by more than `floor` of it, for all that chance may explain. Labels that come later are added to their window.
    """

    against: ClassVar[Literal["train", "test"]] = "test"
    libraries: ClassVar[tuple[str, ...]] = ("polars", "numpy")

    confidence: float = Field(default=0.95, ge=0.5, lt=1, description="confidence of the intervals")
    floor: Share = Field(default=0.02, description="smallest worsening that matters, as a share of what it was on the test rows")

    @property
    def wanted(self) -> int:
        """Labels and answers of some days, where there are few a day."""
        return WANTED

    def declares(self, contract: Contract, task: Task) -> Iterable[str]:
        """Its measures, and the share of rows with labels."""
        names = ("accuracy", "log_loss", "brier", "roc_auc") if task.output == "classes" else ("mae", "rmse", "bias")
        return tuple(f"performance/{name}" for name in (*names, "labelled"))

    def summarise(self, window: Window) -> Profile:
        """Sums over the labelled rows, and bins of scores."""
        import polars as pl

        if window.predictions is None or window.output is None or "prediction" not in window.predictions.columns or window.output.kind == "bytes":
            return Profile()
        losses = _losses(window).drop_nulls()
        sums = losses.select(
            pl.lit(0.0).alias("none"),
            *(pl.col(name).sum() for name in losses.columns),
            *((pl.col(name) ** 2).sum().alias(f"{name}_squares") for name in losses.columns),
        )
        counted = sums.head(1).drop("none").with_columns(labels=pl.lit(float(losses.height)), rows=pl.lit(float(window.rows.height)))
        return Profile(dict(scored(window).tables) | {_SUMS: counted})

    def merge(self, one: Profile, other: Profile) -> Profile:
        """Sums of both."""
        tables = dict(added(one, other, _SUMS).tables) | dict(added(one, other, SCORES).tables)
        sums = added(one, other, _SUMS).tables.get(_SUMS)
        scores = added(one, other, SCORES).tables.get(SCORES)
        return Profile({name: table for name, table in (tables | {_SUMS: sums, SCORES: scores}).items() if table is not None})

    def findings(self, profile: Profile, reference: Profile | None) -> Iterable[Finding]:
        """Each measure, and how it was on the test rows."""
        sums, before = profile.tables.get(_SUMS), None if reference is None else reference.tables.get(_SUMS)
        rows, labels = (int(sums[name][0]) for name in ("rows", "labels")) if sums is not None else (0, 0)
        text = f"{labels:,} of {rows:,} rows have labels"
        yield Finding(name="performance/labelled", value=labels / rows if rows else None, text=text if rows else "there are no rows", rows=rows)
        if sums is None or labels < FEW:
            names = [_TOLD[name][0] for name in _MEASURES if sums is not None and name in sums.columns] or ["accuracy"]
            why = f"insufficient: {labels} labels have arrived, and {FEW} are needed"
            yield from (Finding(name=f"performance/{name}", value=None, text=why, rows=labels) for name in names)
            return
        for name in (name for name in _MEASURES if name in sums.columns):
            yield self._measured(name, sums, before, labels)
        yield from _ranked(profile, self.confidence)

    def _measured(self, name: str, sums: pl.DataFrame, before: pl.DataFrame | None, labels: int) -> Finding:
        told, better = _TOLD[name]
        now, then = _mean(sums, name), None if before is None or not before["labels"][0] else _mean(before, name)
        half = NormalDist().inv_cdf((1 + self.confidence) / 2) * now.error
        value, low, high = (_shown(name, one) for one in (now.value, now.value - half, now.value + half))
        text, severity = f"{told} {value:.3g} [{low:.3g}, {high:.3g}]", "info"
        if then is not None and better is not None:
            text += f", {_shown(name, then.value):.3g} on the test rows"
            severity = "warning" if self._worse(name, now, then, better) else "info"
            text += ": worse" if severity == "warning" else ""
        how = f"{self.confidence:.0%} normal, over labelled rows"
        evidence = {} if then is None else {"reference": _shown(name, then.value)}
        return Finding(name=f"performance/{told}", value=value, low=low, high=high, interval=how, text=text, better=better,
                       rows=labels, severity=severity, evidence=evidence)  # fmt: skip

    def _worse(self, name: str, now: Mean, then: Mean, better: str) -> bool:
        alarming = next((names for names in _ALARMING.values() if name in names), ())
        if not alarming:
            return False
        worse = (then.value - now.value) * (1 if better == "higher" else -1)
        error = (now.error**2 + then.error**2) ** 0.5
        return bool(worse - self.floor * abs(then.value) > NormalDist().inv_cdf(1 - self.level / len(alarming)) * error)


def _losses(window: Window) -> pl.DataFrame:
    """Of each row; missing where there is no label or no answer."""
    import polars as pl

    output, said = window.output, window.predictions
    assert output is not None
    assert said is not None
    target = output.target
    label = window.rows[target] if target in window.rows.columns else pl.Series(target, [None] * said.height, dtype=pl.String)
    if output.kind == "value":
        error = said["prediction"].cast(pl.Float64) - label.cast(pl.Float64, strict=False)
        return pl.DataFrame({"absolute": error.abs(), "squared": error**2, "error": error})
    text = label.cast(pl.String)
    right = (text == said["prediction"].cast(pl.String)).cast(pl.Float64)
    names = [f"probability_{k}" for k in range(len(output.classes))]
    if not all(name in said.columns for name in names):
        return pl.DataFrame({"right": right})
    frame = said.select(names).with_columns(text.alias("__true__"))
    hits = [(pl.col("__true__") == str(klass)).cast(pl.Float64) for klass in output.classes]
    chosen = pl.sum_horizontal(hit * pl.col(name) for hit, name in zip(hits, names, strict=True)).clip(1e-15, 1)
    brier = pl.sum_horizontal((hit - pl.col(name)) ** 2 for hit, name in zip(hits, names, strict=True)) / (2 if len(names) == 2 else 1)
    missing = pl.col("__true__").is_null() | pl.col(names[0]).is_null()
    told = frame.select(log_loss=pl.when(~missing).then(-chosen.log()), brier=pl.when(~missing).then(brier))
    return told.insert_column(0, right.alias("right"))


def _mean(sums: pl.DataFrame, name: str) -> Mean:
    count = float(sums["labels"][0])
    mean = float(sums[name][0]) / count
    spread = max(float(sums[f"{name}_squares"][0]) / count - mean**2, 0.0)
    smoothed = max(spread, 1 / count) if name == "right" else spread  # none or all right: still not known for sure
    return Mean(mean, (smoothed / count) ** 0.5)


def _shown(name: str, value: float) -> float:
    return max(value, 0.0) ** 0.5 if name == "squared" else min(max(value, 0.0), 1.0) if name == "right" else value


def _ranked(profile: Profile, confidence: float) -> Iterator[Finding]:
    """The area under the ROC curve of the labelled rows; with Hanley and McNeil's interval (1982)."""
    import numpy as np

    scores = Scores.of(profile)
    if scores is None:
        return
    yes, no = scores.yes, scores.labels - scores.yes
    n, m = float(yes.sum()), float(no.sum())
    if n < 1 or m < 1:
        yield Finding(name="performance/roc_auc", value=None, text="the labels that have arrived are all alike", rows=int(n + m))
        return
    auc = float((yes * (np.cumsum(no) - no / 2)).sum() / (n * m))
    one, other = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    variance = max((auc * (1 - auc) + (n - 1) * (one - auc**2) + (m - 1) * (other - auc**2)) / (n * m), 0.0)
    half = NormalDist().inv_cdf((1 + confidence) / 2) * variance**0.5
    low, high = max(auc - half, 0.0), min(auc + half, 1.0)
    text = f"area under the ROC curve {auc:.3g} [{low:.3g}, {high:.3g}]"
    yield Finding(
        name="performance/roc_auc", value=auc, low=low, high=high, interval=f"{confidence:.0%} Hanley–McNeil", text=text, better="higher", rows=int(n + m)
    )
