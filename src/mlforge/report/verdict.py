"""What the gates said, in a sentence and in lines."""

from __future__ import annotations

from collections.abc import Sequence

from mlforge.components import Ruling
from mlforge.report.figures import number
from mlforge.secrets import mask

__all__ = ["brief", "verdict_line", "verdict_lines"]


def verdict_line(rulings: Sequence[Ruling]) -> str:
    """ "passed 4 of 4  roc_auc 0.874 [0.869, 0.879] ≥ 0.85 · better than …"; rules that were broken come first."""
    broken = [ruling for ruling in rulings if not ruling.passed and not ruling.waits]
    passed = sum(ruling.passed for ruling in rulings)
    count = f"refused by {len(broken)} of {len(rulings)}" if broken else f"passed {passed} of {len(rulings)}"
    return mask(f"{count}  {' · '.join(brief(ruling) for ruling in broken or rulings)}".rstrip())


def verdict_lines(rulings: Sequence[Ruling]) -> list[str]:
    """A line for every ruling, the broken ones first: "no   thresholds.auc  test/roc_auc 0.81 is not ≥ 0.85: off by 0.04"."""
    width = max((len(ruling.rule) for ruling in rulings), default=0)
    ordered = sorted(rulings, key=lambda ruling: ruling.passed)
    return [mask(f"{'...' if ruling.waits else 'yes' if ruling.passed else 'no '}  {ruling.rule:<{width}}  {ruling.text}") for ruling in ordered]


def brief(ruling: Ruling) -> str:
    """A ruling in a few words: figures where a number was asked for, and else its sentence."""
    if ruling.value is None or not ruling.bound.startswith(("≥", "≤")) or ruling.finding.endswith("/gain"):
        return ruling.text
    ends = "" if ruling.low is None or ruling.high is None else f" [{number(ruling.low)}, {number(ruling.high)}]"
    asked = ruling.bound if ruling.passed else f"not {ruling.bound}"
    return f"{ruling.finding.partition('/')[2] or ruling.finding} {number(ruling.value)}{ends} {asked}"
