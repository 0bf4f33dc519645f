"""The monitor calibration_drift."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from mlforge.builtin.monitors.promise import FEW, WANTED, Promise
from mlforge.builtin.monitors.scores import Scores, added, scored
from mlforge.builtin.monitors.tails import chi_squared, gathered
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
        now = _folded(mine, parts)
        shares = now.labels / labels
        apart = (now.yes - now.said) / _some(now.labels)
        bins = [{"said": _number(s / n), "true": _number(y / n), "rows": int(n)} for s, y, n in zip(now.said, now.yes, now.labels, strict=True) if n]
        ece = float((shares * abs(apart)).sum())
        text = f"what was said and what came true are {ece:.3g} apart on average"
        yield Finding(name="calibration/ece", value=ece, text=text, better="lower", rows=labels, evidence={"bins": bins})
        if theirs is None or theirs.labels.sum() < FEW:
            yield Finding(name="calibration/drift", value=None, text="there are no labels of reference", rows=labels, better="lower")
            return
        yield self._drift(now, _folded(theirs, parts), labels)

    def _drift(self, now: _Folded, before: _Folded, labels: int) -> Finding:
        import numpy as np

        some = (now.labels >= 5) & (before.labels >= 5)
        moved = np.where(some, (now.yes - now.said) / _some(now.labels) - (before.yes - before.said) / _some(before.labels), 0.0)
        variance = now.variance / _some(now.labels) + before.variance / _some(before.labels)
        squared = float(np.where(some, moved**2 / np.maximum(variance, 1e-9), 0.0).sum())
        p = float(chi_squared(np.array(squared), np.array(float(max(some.sum(), 1)))))
        value = float((now.labels / labels * abs(moved)).sum())
        alarm = p <= self.level and value >= self.floor
        up = float((now.labels / labels * moved).sum())
        how = "more" if up > 0 else "less"
        text = f"probabilities come true {abs(up):.3g} {how} often than on the test rows, by {value:.3g} where it differs (p = {p:.2g})"
        return Finding(
            name="calibration/drift", value=value, text=text, better="lower", rows=labels, severity="warning" if alarm else "info", evidence={"p_value": p}
        )


class _Folded:
    """Ten parts of the scores."""

    def __init__(self, labels: Array, yes: Array, said: Array) -> None:
        self.labels, self.yes, self.said = labels, yes, said
        share = said / _some(labels)
        self.variance = (share * (1 - share)).clip(0.0004)


def _parts(scores: Scores) -> np.ndarray:
    """Parts of about equally many labelled rows."""
    import numpy as np

    total = max(float(scores.labels.sum()), 1.0)
    told: np.ndarray = np.minimum((np.cumsum(scores.labels) - scores.labels / 2) / total * _PARTS, _PARTS - 1).astype(np.int64)
    return told


def _folded(scores: Scores, parts: np.ndarray) -> _Folded:
    return _Folded(*(gathered(parts, of, _PARTS) for of in (scores.labels, scores.yes, scores.label_score)))


def _some(counts: Array) -> Array:
    import numpy as np

    told: Array = np.maximum(counts, 1e-9)
    return told


def _number(value: float) -> float:
    return round(float(value), 6)
