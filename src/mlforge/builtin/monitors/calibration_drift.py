"""The monitor calibration_drift."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from mlforge.builtin.monitors.promise import FEW, WANTED, Promise
from mlforge.builtin.monitors.scores import Scores, added, scored
from mlforge.builtin.monitors.tails import chance_said, chi_squared, gathered, poisson
from mlforge.components import Objection
from mlforge.contract import Contract
from mlforge.finding import Finding
from mlforge.task import Task
from mlforge.units import Share
from mlforge.window import Profile, Window

if TYPE_CHECKING:
    import numpy as np

    from mlforge.builtin.monitors.tails import Array

__all__ = ["CalibrationDrift"]

_PARTS = 10
_ENOUGH = 4.0  # rows that chance is expected to put off in a part, as a variance
_LEAST = 0.0004  # variance of what a row is off by: where nothing came true yet, something may


class CalibrationDrift(Promise):
    """Probabilities that come true more or less often than on the test rows; needs labels.

    In ten parts of the scores, the share that came true is held against what was said and against how far the test rows were from it (chi-squared). It alarms
    when chance does not explain the difference and it is at least `floor` on average.
    """

    against: ClassVar[Literal["train", "test"]] = "test"
    libraries: ClassVar[tuple[str, ...]] = ("polars", "numpy")

    floor: Share = Field(default=0.02, description="smallest mean difference in probability that matters")

    def objections(self, contract: Contract) -> Iterable[Objection]:
        """Values have no probabilities."""
        yield from super().objections(contract)
        targets = contract.having("target")
        if targets and contract.columns[targets[0]].dtype == "float":
            yield Objection("", f"the target {targets[0]} is a number, and has no probabilities that could drift", hint="Leave the monitor out.")

    @property
    def wanted(self) -> int:
        """Labels and answers of some days, where there are few a day."""
        return WANTED

    def declares(self, contract: Contract, task: Task) -> Iterable[str]:
        """The calibration error of the window, and how far it has moved."""
        return ("calibration/ece", "calibration/drift")

    def summarise(self, window: Window) -> Profile:
        """Bins of scores."""
        return scored(window)

    def merge(self, one: Profile, other: Profile) -> Profile:
        """Counts of both."""
        return added(one, other)

    def findings(self, profile: Profile, reference: Profile | None) -> Iterable[Finding]:
        """The error, and what has changed."""
        mine, theirs = Scores.of(profile), None if reference is None else Scores.of(reference)
        labels = 0 if mine is None else int(mine.labels.sum())
        if mine is None or labels < FEW:
            why = f"insufficient: {labels} labels have arrived, and {FEW} are needed"
            yield from (Finding(name=f"calibration/{name}", value=None, text=why, rows=labels, better="lower") for name in ("ece", "drift"))
            return
        parts = _parts(mine if theirs is None else theirs)
        now = _Folded.of(mine, parts)
        shares = now.labels / labels
        bins = [{"said": _number(s / n), "true": _number(y / n), "rows": int(n)} for s, y, n in zip(now.said, now.yes, now.labels, strict=True) if n]
        ece = float((shares * abs(now.apart)).sum())
        text = f"what was said and what came true are {ece:.3g} apart on average"
        yield Finding(name="calibration/ece", value=ece, text=text, better="lower", rows=labels, evidence={"bins": bins})
        if theirs is None or theirs.labels.sum() < FEW:
            yield Finding(name="calibration/drift", value=None, text="there are no labels of reference", rows=labels, better="lower")
            return
        yield self._drift(now, _Folded.of(theirs, parts), labels)

    def _drift(self, now: _Folded, before: _Folded, labels: int) -> Finding:
        import numpy as np

        groups = _wide_enough(now, before)
        now, before = now.joined(groups), before.joined(groups)
        some = (now.labels > 0) & (before.labels >= 5)
        moved = np.where(some, now.apart - before.apart, 0.0)
        p = _chance(now, before, moved, some)
        value = float((now.labels / labels * abs(moved)).sum())
        alarm = p <= self.level and value >= self.floor
        up = float((now.labels / labels * moved).sum())
        how = "more" if up > 0 else "less"
        text = f"probabilities come true {abs(up):.3g} {how} often than on the test rows, by {value:.3g} where it differs ({chance_said(p)})"
        return Finding(
            name="calibration/drift", value=value, text=text, better="lower", rows=labels, severity="warning" if alarm else "info", evidence={"p_value": p}
        )


@dataclass(frozen=True)
class _Folded:
    """Ten parts of the scores."""

    labels: Array
    yes: Array
    said: Array
    squares: Array  # of what each row was off by: what came true less what was said

    @classmethod
    def of(cls, scores: Scores, parts: np.ndarray) -> _Folded:
        """The rows of a bin have nearly one score, so sums by bins are enough for the squares."""
        score = scores.label_score / _some(scores.labels)
        squares = scores.yes * (1 - 2 * score) + scores.labels * score**2
        return cls(*(gathered(parts, of, _PARTS) for of in (scores.labels, scores.yes, scores.label_score, squares)))

    def joined(self, groups: np.ndarray) -> _Folded:
        """Parts put together."""
        return _Folded(*(gathered(groups, of, int(groups[-1]) + 1) for of in (self.labels, self.yes, self.said, self.squares)))

    @property
    def apart(self) -> Array:
        """How much more came true than was said, in the mean."""
        return (self.yes - self.said) / _some(self.labels)


def _spread(now: _Folded, before: _Folded) -> Array:
    """Of what one row is off by, the variance: of both samples together, for without drift they are of one kind.

    What was said would not do in its place: where a model is surer than it should be, its own p (1 - p) is far less than how its errors vary.
    """
    import numpy as np

    labels = now.labels + before.labels
    mean = (now.yes + before.yes - now.said - before.said) / _some(labels)
    told: Array = np.maximum((now.squares + before.squares) / _some(labels) - mean**2, _LEAST)
    return told


def _wide_enough(now: _Folded, before: _Folded) -> np.ndarray:
    """Neighbouring parts together, until so much is expected of each by chance that chi-squared is its law: where few come true, ten parts are too many."""
    import numpy as np

    groups, expected, group = [], 0.0, 0
    for mass in now.labels * _spread(now, before):
        groups.append(group)
        expected += float(mass)
        if expected >= _ENOUGH:
            group, expected = group + 1, 0.0
    told: np.ndarray = np.minimum(np.array(groups), max(group - 1, 0))  # what is left over at the end joins the last
    return told


def _chance(now: _Folded, before: _Folded, moved: Array, some: np.ndarray) -> float:
    """Of differences so large, by chi-squared; where hardly anything is expected to come true, or to fail to, by Poisson's law."""
    import numpy as np

    spread = _spread(now, before)
    if len(moved) == 1 and float(now.labels[0] * spread[0]) < _ENOUGH:
        rare = now.yes, now.said + now.labels * before.apart
        seen, expected = rare if rare[1][0] < now.labels[0] / 2 else tuple(now.labels - one for one in rare)
        return min(1.0, 2 * float(poisson(seen, np.maximum(expected, _LEAST * now.labels))[0]))
    squared = np.where(some, moved**2 / (spread * (1 / _some(now.labels) + 1 / _some(before.labels))), 0.0).sum()
    return float(chi_squared(np.array(squared), np.array(float(max(some.sum(), 1)))))


def _parts(scores: Scores) -> np.ndarray:
    """Parts of about equally many labelled rows."""
    import numpy as np

    total = max(float(scores.labels.sum()), 1.0)
    told: np.ndarray = np.minimum((np.cumsum(scores.labels) - scores.labels / 2) / total * _PARTS, _PARTS - 1).astype(np.int64)
    return told


def _some(counts: Array) -> Array:
    import numpy as np

    told: Array = np.maximum(counts, 1e-9)
    return told


def _number(value: float) -> float:
    return round(float(value), 6)
