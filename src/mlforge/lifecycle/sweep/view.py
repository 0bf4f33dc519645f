"""What a sweep has found, as a person looks at it."""

from __future__ import annotations

import math
from typing import Any

from mlforge.artifact import Tuned
from mlforge.components import Dimension, Objective
from mlforge.lifecycle.sweep.importance import importance
from mlforge.report.view import SweepView, TrialView

__all__ = ["sweep_view"]


def sweep_view(tuned: Tuned) -> SweepView:
    """The view of what a sweep has found."""
    told = tuned.json("tuned.json")
    space = {name: Dimension.model_validate(raw, strict=False) for name, raw in told["space"].items()}
    goals = {name: Objective.model_validate(raw) for name, raw in told["goals"].items()}
    trials = tuple(_trial(raw, space, goals) for raw in tuned.json("trials.json"))
    done = [one for one in trials if one.objectives]
    first = next(iter(goals.values()))
    scores = [first.score(one.objectives[0]) for one in done]
    shares = {name: [one.places[place] for one in done] for place, name in enumerate(space)}
    return SweepView(
        chosen=int(told["trial"]),
        overrides=tuple(told["overrides"]),
        axes=tuple(one.key for one in space.values()),
        ends=tuple(_ends(one) for one in space.values()),
        goals=tuple((name, goal.finding, goal.mode) for name, goal in goals.items()),
        trials=trials,
        importance=dict(zip((one.key for one in space.values()), importance(shares, scores).values(), strict=True)),
    )


def _trial(raw: dict[str, Any], space: dict[str, Dimension], goals: dict[str, Objective]) -> TrialView:
    values = [raw["values"][name] for name in space]
    return TrialView(
        number=raw["number"],
        state=raw["state"],
        reason=raw["reason"],
        values=tuple(_text(value) for value in values),
        places=tuple(_place(one, value) for one, value in zip(space.values(), values, strict=True)),
        objectives=tuple(raw["findings"][goal.finding] for goal in goals.values()) if raw["state"] == "done" else (),
        epochs=raw["epochs"],
        pareto=raw["pareto"],
        parent=raw["parent"],
    )


def _place(one: Dimension, value: Any) -> float:
    """Where a value lies in its law, from 0 to 1."""
    if one.choice is not None:
        return one.choice.index(tuple(value) if isinstance(value, tuple) else value) / max(1, len(one.choice) - 1)
    low, high = float(one.ends[0]), float(one.ends[1])
    if one.law.startswith("log"):
        return math.log(value / low) / math.log(high / low)
    return float((value - low) / (high - low))


def _ends(one: Dimension) -> tuple[str, str]:
    ends = (one.choice[0], one.choice[-1]) if one.choice is not None else one.ends[:2]
    return (_text(ends[0]), _text(ends[1]))


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_text(one) for one in value)}]"
    return str(value)
