"""What the gates said, in a sentence."""

from __future__ import annotations

from collections.abc import Sequence

from mlforge.components import Ruling
from mlforge.finding import Finding
from mlforge.report.figures import number
from mlforge.secrets import mask

__all__ = ["brief", "in_plain_words", "verdict_line"]


def verdict_line(rulings: Sequence[Ruling]) -> str:
    """ "passed 4 of 4  roc_auc 0.874 [0.869, 0.879] ≥ 0.85 · better than …"; rules that were broken come first."""
    broken = [ruling for ruling in rulings if not ruling.passed and not ruling.waits]
    passed = sum(ruling.passed for ruling in rulings)
    count = f"refused by {len(broken)} of {len(rulings)}" if broken else f"passed {passed} of {len(rulings)}"
    return mask(f"{count}  {' · '.join(brief(ruling) for ruling in broken or rulings)}".rstrip())


def brief(ruling: Ruling) -> str:
    """A ruling in a few words: figures where a number was asked for, and else its sentence."""
    if ruling.value is None or not ruling.bound.startswith(("≥", "≤")) or ruling.finding.endswith("/gain"):
        return ruling.text
    ends = "" if ruling.low is None or ruling.high is None else f" [{number(ruling.low)}, {number(ruling.high)}]"
    asked = ruling.bound if ruling.passed else f"not {ruling.bound}"
    return f"{ruling.finding.partition('/')[2] or ruling.finding} {number(ruling.value)}{ends} {asked}"


def in_plain_words(findings: Sequence[Finding]) -> str:
    """How good the model is, for someone who has never heard of a metric; nothing where that was not measured."""
    mine, trivial = ({finding.name: finding for finding in reversed(findings) if finding.subject == subject} for subject in ("candidate", "baseline"))
    for name, says in (("test/accuracy", _right), ("test/subset_accuracy", _labels), ("test/mae", _off)):
        one, other = mine.get(name), trivial.get(name)
        if one is not None and one.value is not None:
            return says(one, other.value if other else None)
    return ""


def _right(accuracy: Finding, trivial: float | None) -> str:
    assert accuracy.value is not None
    mine, other = 100 * accuracy.value, None if trivial is None else 100 * trivial
    digits = 0 if other is None or round(mine) != round(other) else 1
    beside = "" if other is None else f" Always giving the most frequent answer would be right for {other:.{digits}f}."
    return f"The model gives the right answer for {mine:.{digits}f} of 100 rows that it has not seen in training.{beside}"


def _labels(whole: Finding, trivial: float | None) -> str:
    assert whole.value is not None
    beside = "" if trivial is None else f" Always giving the most frequent labels would for {100 * trivial:.0f}."
    return f"The model gets every label right for {100 * whole.value:.0f} of 100 rows that it has not seen in training.{beside}"


def _off(error: Finding, trivial: float | None) -> str:
    beside = "" if trivial is None else f" Always giving the average would be off by {number(trivial, error.unit)}."
    return f"On rows that it has not seen in training, the model is off by {number(error.value, error.unit)} on average.{beside}"
