"""What a run will take, as far as earlier runs tell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mlforge.budget import Budget, Spent
from mlforge.lifecycle.plan import Planned
from mlforge.report.figures import duration, number
from mlforge.store import Store

__all__ = ["Estimate", "estimated", "too_much"]


@dataclass(frozen=True, slots=True)
class Estimate:
    """Of one stage, or of several together."""

    seconds: float  # by the clock: the median of earlier runs
    runs: int  # so many of them; of several stages, the fewest
    cost: float | None = None  # None: nobody has metered it, or nothing has a price

    def text(self, budget: Budget | None = None) -> str:
        """ "about 3 min 0 s (from 4 earlier runs) · about 0.02 EUR"."""
        told = f"about {duration(self.seconds)} (from {self.runs} earlier run{'s' * (self.runs != 1)})"
        return told + (f" · about {number(self.cost, budget.currency)}" if budget is not None and self.cost is not None else "")


def estimated(steps: Sequence[Planned], store: Store, recipe: str, budget: Budget | None, *, smoke: bool) -> tuple[dict[str, Estimate], Estimate | None]:
    """For each stage that is to run and that has run before; and for all of them, None when one of them never did."""
    coming = [step for step in steps if step.state in ("run", "after")]
    found = {step.name: one for step in coming if (one := _of(step.name, store, recipe, budget, smoke=smoke)) is not None}
    if not coming or len(found) < len(coming):
        return found, None
    costs = [one.cost for one in found.values() if one.cost is not None]
    whole = sum(costs) if len(costs) == len(found) else None
    return found, Estimate(sum(one.seconds for one in found.values()), min(one.runs for one in found.values()), whole)


def too_much(whole: Estimate, budget: Budget) -> Iterator[str]:
    """The limits that a run would reach, if it is like the earlier ones."""
    if budget.hours is not None and whole.seconds / 3600 > budget.hours:
        yield f"{whole.seconds / 3600:.3g} h expected, and budget.hours allows {budget.hours:.3g} h"
    if budget.cost is not None and whole.cost is not None and whole.cost > budget.cost:
        yield f"{number(whole.cost, budget.currency)} expected, and budget.cost allows {number(budget.cost, budget.currency)}"


def _of(stage: str, store: Store, recipe: str, budget: Budget | None, *, smoke: bool) -> Estimate | None:
    seen = sorted(store.records.seconds(recipe, stage, smoke))
    if not seen:
        return None
    return Estimate(seen[len(seen) // 2], len(seen), _cost(stage, store, recipe, budget, smoke=smoke))


def _cost(stage: str, store: Store, recipe: str, budget: Budget | None, *, smoke: bool) -> float | None:
    """By today's prices, from the CPU and GPU time that the stage was last seen to use."""
    before = store.records.latest(recipe, stage, smoke)
    if budget is None or not budget.priced or before is None:
        return None
    found = {finding.name: finding.value or 0.0 for finding in store.records.findings(before.key)}
    if f"{stage}/cpu_seconds" not in found:
        return None
    return budget.cost_of(Spent(cpu_seconds=found[f"{stage}/cpu_seconds"], gpu_seconds=found.get(f"{stage}/gpu_seconds", 0.0)))
