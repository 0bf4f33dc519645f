"""What wrong answers cost, and from which probability on it would pay to say yes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from mlforge.builtin.probes.classes import Scored
from mlforge.builtin.probes.measuring import Metric
from mlforge.builtin.probes.ranking import by_score
from mlforge.builtin.probes.sums import mean

if TYPE_CHECKING:
    from mlforge.builtin.probes.resampling import Array

__all__ = ["Costs", "priced"]


class Costs(BaseModel):
    """What the two kinds of error cost, in any unit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    false_alarm: float = Field(gt=0, description="cost of a row that is said to be of the positive class and is not")
    miss: float = Field(gt=0, description="cost of a row of the positive class that is said not to be")


def priced(costs: Costs) -> list[Metric[Scored]]:
    """The mean cost of a row as the model decides, and the threshold at which it would be lowest."""

    def cost(scored: Scored, weights: Array) -> Array:
        import numpy as np

        if scored.width != 2:
            return np.full(weights.shape[1], np.nan)
        missed, alarmed = (scored.target == 1) & (scored.predicted != 1), (scored.target != 1) & (scored.predicted == 1)
        return mean(costs.miss * missed + costs.false_alarm * alarmed, weights)

    def threshold(scored: Scored, weights: Array) -> Array:
        return _cheapest(scored, weights, costs)[0]

    def told(scored: Scored, weight: Array, value: float) -> str:
        best, lowest = (float(ends[0]) for ends in _cheapest(scored, weight[:, None], costs))
        now = float(cost(scored, weight[:, None])[0])
        kind = f"saying {scored.classes[1]!r} from a probability of {best:.3g} on would cost {lowest:.3g} a row on these rows, where the model's own decisions"
        return f"{kind} cost {now:.3g}; the model goes on deciding as it does"

    def evidence(scored: Scored, weight: Array) -> dict[str, Any]:
        """A calibrated model is cheapest at false_alarm / (false_alarm + miss) (Elkan 2001)."""
        return {"cost": float(_cheapest(scored, weight[:, None], costs)[1][0]), "if_calibrated": costs.false_alarm / (costs.false_alarm + costs.miss)}

    return [
        Metric("cost", cost, "lower", _two),
        Metric("cheapest_threshold", threshold, None, _two, told=told, evidence=evidence),
    ]


def _two(scored: Scored) -> str:
    return f"false alarms and misses are errors of two classes, and there are {scored.width}"


def _cheapest(scored: Scored, weights: Array, costs: Costs) -> tuple[Array, Array]:
    """For each weighting the lowest of the cheapest thresholds, rows at it being called positive, and the mean cost there.

    A threshold above every score, which calls nobody, stands halfway between the highest score and 1.
    """
    import numpy as np

    if scored.width != 2 or not len(scored.target):
        nothing = np.full(weights.shape[1], np.nan)
        return nothing, nothing
    score, ups, downs = by_score(scored.ranked(1), scored.target == 1, weights)
    none = np.zeros((1, weights.shape[1]))
    missed = np.concatenate([none, np.cumsum(ups, axis=0)])
    alarmed = np.concatenate([np.cumsum(downs[::-1], axis=0)[::-1], none])
    if score[-1] >= 1:
        missed, alarmed = missed[:-1], alarmed[:-1]
    total = weights.sum(axis=0)
    cost = np.divide(costs.miss * missed + costs.false_alarm * alarmed, total, out=np.full_like(missed, np.nan), where=total > 0)
    place = cost.argmin(axis=0)
    edges = np.r_[score, (1 + score[-1]) / 2]
    return edges[place], cost[place, np.arange(cost.shape[1])]
