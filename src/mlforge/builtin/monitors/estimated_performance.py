"""The monitor estimated_performance."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from statistics import NormalDist
from typing import ClassVar, Literal

from pydantic import Field

from mlforge.builtin.monitors.binned import OUTLINE, joined
from mlforge.builtin.monitors.contradiction import Agreement, agreement
from mlforge.builtin.monitors.estimates import MEASURES, Estimate
from mlforge.builtin.monitors.label_power import fewest_labels
from mlforge.builtin.monitors.loss_model import LOSS, Losses, agreed, lossy
from mlforge.builtin.monitors.promise import FEW, WANTED, Promise
from mlforge.builtin.monitors.scores import SCORES, Curve, Scores, added, scored
from mlforge.builtin.monitors.tails import chance_said
from mlforge.contract import Contract
from mlforge.finding import Finding, Severity
from mlforge.task import Task
from mlforge.units import Share
from mlforge.window import Profile, Window

__all__ = ["EstimatedPerformance"]

_LABELS = 200  # of the reference, below which nothing is estimated
_SPARSE = 25  # labels of a block of scores, below which it is hardly known
_MEMORY = 7  # windows before the newest whose labels are asked too
_COUNTS = "counts"


class EstimatedPerformance(Promise):
    """How well the model does on rows whose labels have not arrived, or why that cannot be told.

    Classification: scores are calibrated on the test rows; what they then say of themselves is what can be expected (confidence-based performance estimation).
    Regression: the size of an error is learned from the columns on the test rows. Both hold as long as the same rows have the same labels as before, so the
    estimate is withheld where that is in doubt: scores that the test rows hardly had, many rows that break the contract, or labels that have arrived and
    contradict it, which is an alarm itself: few labels tell much, and those of the seven windows before count too. Without any, nobody can know. It alarms
    when the model must be expected to do worse than on the test rows by more than `floor`, for all that chance may explain.
    """

    against: ClassVar[Literal["train", "test"]] = "test"
    fitted: ClassVar[bool] = True
    memory: ClassVar[int] = _MEMORY
    libraries: ClassVar[tuple[str, ...]] = ("polars", "numpy")

    confidence: float = Field(default=0.95, ge=0.5, lt=1, description="how often what is realised lies within the interval")
    floor: Share = Field(default=0.02, description="smallest worsening that matters: of accuracy, or as a share of the test rows' error")
    outside: Share = Field(default=0.1, description="share of rows unlike the test rows, or breaking the contract, from which nothing is estimated")

    @property
    def wanted(self) -> int:
        """Labels and answers of some days, where there are few a day."""
        return WANTED

    def declares(self, contract: Contract, task: Task) -> Iterable[str]:
        """Its measures, and how many labels tell that they are wrong."""
        names = ("accuracy", "log_loss", "roc_auc", "detectable") if task.output == "classes" else ("mae",)
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

    def calibrate(self, reference: Profile, sample: Window, seed: int) -> tuple[Profile, Sequence[Finding]]:
        """How many labels tell that the estimate is wrong."""
        scores = Scores.of(reference)
        known = scores is not None and scores.labels.sum() >= _LABELS
        return reference, [fewest_labels(scores, self.level / 2)] if scores is not None and known else []

    def findings(self, profile: Profile, reference: Profile | None) -> Iterable[Finding]:
        """Each measure with its interval; or why there is none."""
        yield from self.judged(profile, (), reference)

    def judged(self, profile: Profile, earlier: Sequence[Profile], reference: Profile | None) -> Iterable[Finding]:
        """Likewise; labels of earlier windows may contradict too."""
        names = ("mae",) if reference is not None and LOSS in reference.tables else ("accuracy", "log_loss", "roc_auc")
        why = self._withheld(profile, reference)
        if why or reference is None:
            yield from self._untold(names, why, profile, {})
            return
        said = self._agreement(profile, earlier, reference)
        evidence = {"labels": said.labels, "windows": said.windows, "p_value": said.chance} if said.labels else {"labels": 0}
        if said.chance <= self.level / 2:
            yield from self._untold(names, _against(said, (profile, *earlier)[: said.windows], reference), profile, evidence, alarm=True)
        elif LOSS in reference.tables:
            yield from self._errors(profile, reference, evidence)
        else:
            yield from self._scores(profile, reference, evidence)

    def _untold(self, names: Sequence[str], why: str, profile: Profile, evidence: Mapping[str, float], *, alarm: bool = False) -> Iterator[Finding]:
        """Labels that contradict are an alarm; that nothing can be said is none."""
        for place, name in enumerate(names):
            severity: Severity = "warning" if alarm and not place else "info"
            yield Finding(name=f"estimated/{name}", value=None, text=why, rows=_rows(profile), severity=severity, evidence=dict(evidence))

    def _agreement(self, profile: Profile, earlier: Sequence[Profile], reference: Profile) -> Agreement:
        if LOSS in reference.tables:
            return agreed([Losses.of(one) for one in (profile, *earlier)], Losses.of(reference))
        theirs = Scores.of(reference)
        assert theirs is not None
        return agreement([Scores.of(one) or theirs.none() for one in (profile, *earlier)], theirs, self.level / 2)

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
            return Losses.of(profile).withheld(Losses.of(reference), self.outside)
        mine, theirs = Scores.of(profile), Scores.of(reference)
        if mine is None or theirs is None or not mine.rows.sum():
            return "there are no probabilities to estimate from"
        if theirs.labels.sum() < _LABELS:
            return f"insufficient: {theirs.labels.sum():.0f} labels of reference, and {_LABELS} are needed"
        curve = Curve.of(theirs)
        unknown = float(mine.rows[curve.labels[curve.block] < _SPARSE].sum() / mine.rows.sum())
        if unknown > self.outside:
            return f"withheld: {unknown:.0%} of the rows have scores that the test rows hardly had"
        return ""

    def _scores(self, profile: Profile, reference: Profile, evidence: Mapping[str, float]) -> Iterator[Finding]:
        mine, theirs = Scores.of(profile), Scores.of(reference)
        assert mine is not None
        assert theirs is not None
        curve = Curve.of(theirs)
        for name, better in (("accuracy", "higher"), ("log_loss", "lower"), ("roc_auc", "higher")):
            now, before = MEASURES[name](mine, curve), MEASURES[name](theirs, curve)
            sign = 1 if better == "higher" else -1
            yield self._told(name, better, now, sign * (before.value - now.value), self.floor, before.value, _rows(profile), evidence)

    def _errors(self, profile: Profile, reference: Profile, evidence: Mapping[str, float]) -> Iterator[Finding]:
        now, before = Losses.of(profile), Losses.of(reference)
        estimate = Estimate(now.mean, now.deviation(before))
        yield self._told("mae", "lower", estimate, now.mean - before.actual, self.floor * before.actual, before.actual, _rows(profile), evidence)

    def _told(self, name: str, better: str, now: Estimate, worse: float, floor: float, before: float, rows: int, evidence: Mapping[str, float]) -> Finding:
        half = NormalDist().inv_cdf((1 + self.confidence) / 2) * now.deviation
        limit = NormalDist().inv_cdf(1 - self.level / 4) * now.deviation + floor
        alarm = name != "log_loss" and worse > limit
        text = f"estimated {name.replace('_', ' ')} {now.value:.3g} [{now.value - half:.3g}, {now.value + half:.3g}], {before:.3g} on the test rows"
        text += "" if evidence["labels"] else "; without labels it cannot be known whether they still follow from the columns"
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
            evidence={"reference": before, **evidence},
        )


def _rows(profile: Profile) -> int:
    return int(profile.tables[_COUNTS]["rows"][0]) if _COUNTS in profile.tables else 0


def _against(said: Agreement, windows: Sequence[Profile], reference: Profile) -> str:
    """What the labels say, in a sentence."""
    over = f"{said.labels:,} labels have arrived" + (f" in {said.windows} windows" if said.windows > 1 else "")
    if LOSS in reference.tables:
        apart = sum(Losses.of(one).apart for one in windows) / max(said.labels, 1)
        return f"withheld: {over}, and errors are {apart:+.3g} from what was expected ({chance_said(said.chance)})"
    found = [one for one in map(Scores.of, windows) if one is not None]
    theirs = Scores.of(reference)
    assert theirs is not None
    right, hoped = sum(one.right for one in found), sum(one.hoped(Curve.of(theirs)) for one in found)
    told = f"{over}, and {right:.0f} answers were right where {hoped:.0f} were expected"
    return f"withheld: {told} ({chance_said(said.chance)}): labels no longer follow from the columns as before"
