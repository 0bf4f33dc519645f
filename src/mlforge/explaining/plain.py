"""An explanation as JSON has it."""

from __future__ import annotations

from typing import Any

from mlforge.explaining.explainer import Explanation

__all__ = ["plain"]


def plain(one: Explanation) -> dict[str, Any]:
    """As JSON has it. A failed explanation says so, and has no columns."""
    attribution = one.attribution
    failed = attribution.failed
    shares = {key: {"value": attribution.shares[key].value, "error": attribution.shares[key].error} for key in one.ranked}
    return {
        "prediction": one.prediction,
        "explains": one.about,
        "answer": _finite(attribution.said),
        "base": _finite(attribution.base),
        "columns": {} if failed else shares,
        "exact": attribution.exact,
        "additivity": _finite(attribution.gap),
        "failed": failed,
        "held": list(one.untold),
        "effects_of": one.answers,
        "effects": [{"column": effect.column, "values": effect.values, "row": effect.row, "mean": effect.mean} for effect in one.effects],
        "counterfactuals": [
            {"prediction": other.prediction, "changes": {change.column: {"before": change.before, "after": change.after} for change in other.changes}}
            for other in one.counterfactuals
        ],
    }


def _finite(value: float) -> float | None:
    return value if value - value == 0 else None
