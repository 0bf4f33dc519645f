"""Which trial is the best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mlforge.components import Sweep
from mlforge.lifecycle.sweep.journal import Ended

__all__ = ["best", "broken", "pareto", "scores"]


def scores(one: Ended, sweep: Sweep) -> tuple[float, ...]:
    """The objectives of a trial, turned so that less is better; nothing when it has not come to its end."""
    if one.state != "done":
        return ()
    return tuple(goal.score(one.findings[goal.finding]) for goal in sweep.goals.values())


def broken(one: Ended, sweep: Sweep) -> str:
    """Which constraints a trial breaks, in words."""
    found = (limit.broken(one.findings[limit.finding]) for limit in sweep.constraints.values() if limit.finding in one.findings)
    return ", ".join(text for text in found if text)


def best(trials: Mapping[int, Ended], sweep: Sweep) -> Ended | None:
    """The first objective decides, then the others in their order, then who came first. Only a trial that came to its end and keeps every constraint."""
    able = _able(trials, sweep)
    return min(able, key=lambda one: (*scores(one, sweep), one.number), default=None)


def pareto(trials: Mapping[int, Ended], sweep: Sweep) -> tuple[int, ...]:
    """The trials than which none is better in one objective without being worse in another, by number."""
    able = [(one.number, scores(one, sweep)) for one in _able(trials, sweep)]
    return tuple(sorted(number for number, mine in able if not any(_dominates(other, mine) for _, other in able)))


def _able(trials: Mapping[int, Ended], sweep: Sweep) -> list[Ended]:
    return [one for one in trials.values() if one.state == "done" and not broken(one, sweep)]


def _dominates(one: Sequence[float], other: Sequence[float]) -> bool:
    return all(mine <= theirs for mine, theirs in zip(one, other, strict=True)) and tuple(one) != tuple(other)
