"""How rulings are worded, and the one ruling that all gates share: what was not measured does not pass."""

from __future__ import annotations

from math import isfinite

from mlforge.components import Ruling
from mlforge.finding import Finding

__all__ = ["number", "shown", "unmeasured"]


def number(value: float | None) -> float | None:
    """The value, if it is one: neither None nor NaN nor infinite."""
    return value if value is not None and isfinite(value) else None


def shown(finding: Finding) -> str:
    """ "0.874 [0.869, 0.879]"."""
    ends = "" if finding.low is None or finding.high is None else f" [{finding.low:.3g}, {finding.high:.3g}]"
    unit = f" {finding.unit}" if finding.unit else ""
    return f"{finding.value:.3g}{ends}{unit}"


def unmeasured(rule: str, name: str, finding: Finding | None, bound: str, part: str = "") -> Ruling:
    """No pass, because there is nothing to judge. Says why, as far as the finding does."""
    if finding is None:
        text = f"{name} was not measured"
    elif number(finding.value) is None:
        text = f"{name} has no value" + (f": {finding.text}" if finding.text else "")
    else:
        text = f"{name} has no {part.removeprefix('the ')}"
    value = None if finding is None else number(finding.value)
    return Ruling(rule=rule, passed=False, finding=name, value=value, bound=bound, text=text)
