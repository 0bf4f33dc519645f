"""What a search leaves for people: a table of its trials, and findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from mlforge.components import Sweep
from mlforge.finding import Finding
from mlforge.lifecycle.sweep.choosing import broken, pareto
from mlforge.lifecycle.sweep.journal import Ended, Journal

__all__ = ["findings", "searched", "trials_table", "tuned_json"]


def trials_table(journal: Journal, sweep: Sweep, overrides: Callable[[int], Sequence[str]]) -> list[dict[str, Any]]:
    """Every trial that is over, by number."""
    front = pareto(journal.ended, sweep)
    return [
        {
            "number": number,
            "values": dict(journal.began[number]),
            "overrides": list(overrides(number)),
            "state": one.state,
            "reason": one.reason or broken(one, sweep),
            "findings": dict(one.findings),
            "epochs": one.epochs,
            "pareto": number in front,
            "parent": journal.parents.get(number),
        }
        for number, one in sorted(journal.ended.items())
    ]


def tuned_json(chosen: Ended, sweep: Sweep, overrides: Sequence[str]) -> dict[str, Any]:
    """What was searched, and what was found."""
    return {"trial": chosen.number, "overrides": list(overrides), **searched(sweep)}


def searched(sweep: Sweep) -> dict[str, Any]:
    """What a sweep varies, and for what."""
    return {
        "goals": {name: goal.model_dump(mode="json") for name, goal in sweep.goals.items()},
        "space": {name: one.model_dump(mode="json", exclude_none=True) for name, one in sweep.space.items()},
    }


def findings(journal: Journal, chosen: Ended, sweep: Sweep, overrides: Sequence[str], seconds: float) -> Iterator[Finding]:
    """Counts, the best, and what it took."""
    counts = Counter(one.state for one in journal.ended.values())
    failed, stopped = counts["failed"], counts["stopped"]
    also = (f", {stopped} given up early" if stopped else "") + (f", {failed} failed" if failed else "")
    yield Finding(name="tune/trials", value=len(journal.ended), text=f"{len(journal.ended)} trials{also}")
    yield Finding(name="tune/stopped", value=stopped, text="trials that were given up early")
    reasons = dict.fromkeys(one.reason for one in journal.ended.values() if one.state == "failed")
    yield Finding(name="tune/failed", value=failed, severity="warning" if failed else "info", text="; ".join(list(reasons)[:3]) or "no trial failed")
    for name, goal in sweep.goals.items():
        better = "lower" if goal.mode == "min" else "higher"
        yield Finding(name=f"tune/best/{name}", value=chosen.findings[goal.finding], better=better, text=f"{goal.finding} of the chosen trial")
    yield Finding(name="tune/best/overrides", value=chosen.number, text=f"trial {chosen.number}: {' '.join(overrides)}")
    yield Finding(name="tune/seconds", value=seconds, unit="s", volatile=True, better="lower", text="time for all trials, Ray's start included")
    if sweep.cost_per_hour is not None:
        cost = sum(one.seconds for one in journal.ended.values()) / 3600 * sweep.cost_per_hour
        yield Finding(name="tune/cost", value=cost, volatile=True, better="lower", text="what the trials have cost, at cost_per_hour")
