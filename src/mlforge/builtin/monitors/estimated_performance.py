"""The monitor estimated_performance."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from mlforge.builtin.monitors.binned import OUTLINE, joined
from mlforge.builtin.monitors.loss_model import LOSS, Losses, lossy
from mlforge.builtin.monitors.promise import FEW, WANTED, Promise
from mlforge.builtin.monitors.scores import SCORES, Curve, Scores, added, scored
from mlforge.builtin.monitors.tails import chi_squared, gathered
from mlforge.contract import Contract
from mlforge.finding import Finding
from mlforge.task import Task
from mlforge.units import Share
from mlforge.window import Profile, Window

if TYPE_CHECKING:
    from mlforge.builtin.monitors.tails import Array

__all__ = ["EstimatedPerformance"]

_LABELS = 200  # of the reference, below which nothing is estimated
_SPARSE = 25  # labels of a block of scores, below which it is hardly known
_CHECKED = 30  # labels of a window from which they are asked whether the estimate can be right
_COUNTS = "counts"
_AGAINST = "labels have arrived, and"


@dataclass(frozen=True)
class Estimate:
    """A measure as it should be, with the deviation of what will be realised around it."""

    value: float
    deviation: float


class EstimatedPerformance(Promise):
    """How well the model does on rows whose labels have not arrived, or why that cannot be told.

    Classification: scores are calibrated on the test rows; what they then say of themselves is what can be expected (confidence-based performance estimation).
    Regression: the size of an error is learned from the columns on the test rows. Both hold as long as the same rows have the same labels as before, so the
    estimate is withheld where that is in doubt: scores that the test rows hardly had, many rows that break the contract, or labels that have arrived and
    contradict it, which is an alarm itself. It alarms when the model must be expected to do worse than on the test rows by more than `floor`, for all that
    chance may explain.
    """

    against: ClassVar[Literal["train", "test"]] = "test"
    fitted: ClassVar[bool] = True
    libraries: ClassVar[tuple[str, ...]] = ("polars", "numpy")

    confidence: float = Field(default=0.95, ge=0.5, lt=1, description="how often what is realised lies within the interval")
    floor: Share = Field(default=0.02, description="smallest worsening that matters: of accuracy, or as a share of the test rows' error")
    outside: Share = Field(default=0.1, description="share of rows unlike the test rows, or breaking the contract, from which nothing is estimated")

    @property
    def wanted(self) -> int:
        """Labels and answers of some days, where there are few a day."""
        return WANTED

    def declares(self, contract: Contract, task: Task) -> Iterable[str]:
        """Its measures."""
        names = ("accuracy", "log_loss", "roc_auc") if task.output == "classes" else ("mae",)
        return tuple(f"estimated/{name}" for name in names)

    def summarise(self, window: Window) -> Profile:
        """Bins of scores; or the errors to be expected."""
        import polars as pl

        counts = {_COUNTS: pl.DataFrame({"rows": [window.rows.height], "rejected": [sum(window.rejected.values())]})}
        if window.output is not None and window.output.kind == "value":
            return Profile(dict(lossy(window).tables) | counts)
        return Profile(dict(scored(window).tables) | counts)

    def merge(self, one: Profile, other: Profile) -> Profile:
        """Both."""
        if _COUNTS not in one.tables or _COUNTS not in other.tables:
            return one if _COUNTS in one.tables else other
        told = dict(other.tables) | dict(one.tables)
        for table in (_COUNTS, SCORES, LOSS):
            told |= {name: made for name, made in added(one, other, table).tables.items() if name == table}
        outline = joined(*(Profile({OUTLINE: part.tables[OUTLINE]} if OUTLINE in part.tables else {}) for part in (one, other)))
        return Profile(told | dict(outline.tables))

    def findings(self, profile: Profile, reference: Profile | None) -> Iterable[Finding]:
        """Each measure with its interval; or why there is none."""
        names = ("mae",) if reference is not None and LOSS in reference.tables else ("accuracy", "log_loss", "roc_auc")
        why = self._withheld(profile, reference)
        if why or reference is None:
            told = "warning" if _AGAINST in why else "info"  # labels that contradict are an alarm; that nothing can be said is none
            for name in names:
                yield Finding(name=f"estimated/{name}", value=None, text=why, rows=_rows(profile), severity=told if name == names[0] else "info")
        elif LOSS in reference.tables:
            yield from self._errors(profile, reference)
        else:
            yield from self._scores(profile, reference)

    def _withheld(self, profile: Profile, reference: Profile | None) -> str:
        rows = _rows(profile)
        if reference is None or not {SCORES, LOSS} & set(reference.tables):
            return "there is no reference with predictions and labels"
        if rows < FEW:
            return f"insufficient: {rows} rows, and {FEW} are needed"
        rejected = int(profile.tables[_COUNTS]["rejected"][0]) / rows
        if rejected > self.outside:
            return f"withheld: {rejected:.0%} of the rows break the contract"
        if LOSS in reference.tables:
            return Losses.of(profile).withheld(Losses.of(reference), self.level / 2, self.outside)
        mine, theirs = Scores.of(profile), Scores.of(reference)
        if mine is None or theirs is None or not mine.rows.sum():
            return "there are no probabilities to estimate from"
        if theirs.labels.sum() < _LABELS:
            return f"insufficient: {theirs.labels.sum():.0f} labels of reference, and {_LABELS} are needed"
        curve = Curve.of(theirs)
        unknown = float(mine.rows[curve.labels[curve.block] < _SPARSE].sum() / mine.rows.sum())
        if unknown > self.outside:
            return f"withheld: {unknown:.0%} of the rows have scores that the test rows hardly had"
        return _contradicted(mine, curve, self.level / 2)

    def _scores(self, profile: Profile, reference: Profile) -> Iterator[Finding]:
        mine, theirs = Scores.of(profile), Scores.of(reference)
        assert mine is not None
        assert theirs is not None
        curve = Curve.of(theirs)
        for name, better in (("accuracy", "higher"), ("log_loss", "lower"), ("roc_auc", "higher")):
            now, before = _MEASURES[name](mine, curve), _MEASURES[name](theirs, curve)
            sign = 1 if better == "higher" else -1
            yield self._told(name, better, now, sign * (before.value - now.value), self.floor, before.value, _rows(profile), int(mine.labels.sum()))

    def _errors(self, profile: Profile, reference: Profile) -> Iterator[Finding]:
        now, before = Losses.of(profile), Losses.of(reference)
        estimate = Estimate(now.mean, now.deviation(before))
        yield self._told("mae", "lower", estimate, now.mean - before.actual, self.floor * before.actual, before.actual, _rows(profile), int(now.labels))

    def _told(self, name: str, better: str, now: Estimate, worse: float, floor: float, before: float, rows: int, labels: int) -> Finding:
        half = NormalDist().inv_cdf((1 + self.confidence) / 2) * now.deviation
        limit = NormalDist().inv_cdf(1 - self.level / 4) * now.deviation + floor
        alarm = name != "log_loss" and worse > limit
        text = f"estimated {name.replace('_', ' ')} {now.value:.3g} [{now.value - half:.3g}, {now.value + half:.3g}], {before:.3g} on the test rows"
        text += "" if labels >= _CHECKED else "; no labels have arrived that could contradict it"
        return Finding(
            name=f"estimated/{name}",
            value=now.value,
            low=now.value - half,
            high=now.value + half,
            interval=f"{self.confidence:.0%} for what will be realised: sampling of labels, and of the test rows",
            text=text,
            better="higher" if better == "higher" else "lower",
            rows=rows,
            severity="warning" if alarm else "info",
            evidence={"reference": before, "labels": labels},
        )


def _rows(profile: Profile) -> int:
    return int(profile.tables[_COUNTS]["rows"][0]) if _COUNTS in profile.tables else 0


def _accuracy(scores: Scores, curve: Curve) -> Estimate:

    rows, no_said = scores.rows.sum(), scores.rows - scores.yes_said
    q = curve.share
    value = (scores.yes_said * q + no_said * (1 - q)).sum() / rows
    sampled = (scores.rows * q * (1 - q)).sum() / rows**2
    weight = gathered(curve.block, (scores.yes_said - no_said) / rows, len(curve.labels))
    return Estimate(float(value), float((sampled + _unsure(curve, weight)) ** 0.5))


def _log_loss(scores: Scores, curve: Curve) -> Estimate:
    import numpy as np

    rows, q = scores.rows.sum(), curve.share
    p = np.clip(scores.mean(scores.score, scores.rows), 1e-9, 1 - 1e-9)
    odds = np.log(p / (1 - p))
    value = -(scores.rows * (q * np.log(p) + (1 - q) * np.log1p(-p))).sum() / rows
    sampled = (scores.rows * q * (1 - q) * odds**2).sum() / rows**2
    weight = gathered(curve.block, scores.rows * odds / rows, len(curve.labels))
    return Estimate(float(value), float((sampled + _unsure(curve, weight)) ** 0.5))


def _roc_auc(scores: Scores, curve: Curve) -> Estimate:
    """From expected positives and negatives in each bin; the deviation after Hanley and McNeil (1982)."""
    import numpy as np

    yes, no = scores.rows * curve.share, scores.rows * (1 - curve.share)
    n, m = yes.sum(), no.sum()
    if n < 1 or m < 1:
        return Estimate(0.5, 0.5)
    below = np.cumsum(no) - no
    auc = float((yes * (below + no / 2)).sum() / (n * m))
    one, other = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    variance = (auc * (1 - auc) + (n - 1) * (one - auc**2) + (m - 1) * (other - auc**2)) / (n * m)
    known = max(curve.labels.sum(), 1.0)
    return Estimate(auc, float((max(variance, 0.0) * (1 + scores.rows.sum() / known)) ** 0.5))


_MEASURES = {"accuracy": _accuracy, "log_loss": _log_loss, "roc_auc": _roc_auc}


def _unsure(curve: Curve, weight: Array) -> float:
    """The variance that comes of not knowing the curve."""
    import numpy as np

    share = np.zeros(len(curve.labels))
    share[curve.block] = curve.share
    return float((weight**2 * share * (1 - share) / (curve.labels + 2)).sum())


def _contradicted(scores: Scores, curve: Curve, level: float) -> str:
    """Do the labels that have arrived say otherwise than the curve: in ten parts of the scores, in all, and of the answers that are right."""
    import numpy as np

    labels = scores.labels.sum()
    if labels < _CHECKED:
        return ""
    parts = np.minimum((np.cumsum(scores.labels) - scores.labels / 2) / labels * 10, 9).astype(int)
    q = curve.share

    def over(of: Array) -> Array:
        return gathered(parts, of, 10)

    labelled, spread = over(scores.labels), scores.labels * q * (1 - q)
    expected, yes = over(scores.labels * q), over(scores.yes)
    variance = over(spread) + labelled * over(spread / (curve.labels[curve.block] + 2))  # of the labels, and of not knowing the curve
    some = variance > 0.5
    squared = (np.where(some, (yes - expected) ** 2 / np.maximum(variance, 1e-9), 0.0)).sum()
    whole = (yes.sum() - expected.sum()) ** 2 / max(float(variance.sum()), 1e-9)
    said_no = scores.labels - scores.yes_said_labels
    right = (scores.yes_said_yes + said_no - (scores.yes - scores.yes_said_yes)).sum()
    hoped = (scores.yes_said_labels * q + said_no * (1 - q)).sum()
    chances = chi_squared(np.array([squared, whole, (right - hoped) ** 2 / max(float(variance.sum()), 1e-9)]), np.array([max(some.sum(), 1), 1.0, 1.0]))
    p = min(1.0, 3 * float(chances.min()))
    if p > level:
        return ""
    told = f"{labels:.0f} labels have arrived, and {right:.0f} answers were right where {hoped:.0f} were expected"
    return f"withheld: {told} (p = {p:.2g}): labels no longer follow from the columns as before"
