"""A gate that keeps a worse model from replacing the champion."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from mlforge.builtin.gates.ruling import number, unmeasured
from mlforge.components import Evidence, Gate, Ruling
from mlforge.finding import Finding

if TYPE_CHECKING:
    from mlforge.task import Task

__all__ = ["NoRegression"]


class NoRegression(Gate):
    """The model must not be worse than the champion on the same rows. Passes when there is no champion yet.

    By default (`by: high`) it refuses a candidate that is *shown* to be worse: the whole interval of the paired gain lies below −tolerance. An equally good
    retrained model is then refused in one of forty runs; judged by the value (`by: value`) it would be refused in every second one. The price: with few test
    rows a somewhat worse model passes, because nothing is shown either way. `by: low` with a tolerance turns the burden of proof round: the candidate must be
    shown to be at most the tolerance worse. The confidence is that of the evaluator's intervals.
    """

    finding: str | None = Field(default=None, description="what is compared, such as test/roc_auc; by default the task's own proper score")
    tolerance: float = Field(default=0.0, ge=0, allow_inf_nan=False, description="how much worse it may be, in the finding's unit")
    by: Literal["high", "value", "low"] = Field(
        default="high", description="refuse when shown to be worse (high), when measured to be worse (value), or unless shown not to be worse (low)"
    )

    def needs(self, task: Task) -> Mapping[str, str]:
        """The paired gain over the champion."""
        return {"finding": self._gain(task)}

    def judge(self, entry: str, evidence: Evidence, task: Task) -> Iterable[Ruling]:
        """One ruling."""
        name = self._gain(task)
        bound = f"≥ −{self.tolerance:g}" if self.tolerance else "not worse than the champion"
        if evidence.champion is None:
            return [Ruling(rule=entry, passed=True, finding=name, bound=bound, text="no champion yet")]
        finding = evidence.get(name)
        judged = None if finding is None else number(getattr(finding, self.by))
        if finding is None or judged is None or number(finding.value) is None:
            return [unmeasured(entry, name, finding, bound, "interval")]
        margin = judged + self.tolerance
        text = _sentence(finding, evidence.champion) + ("" if margin >= 0 else f"; {self._reason()}")
        ends = {"value": finding.value, "low": finding.low, "high": finding.high}
        return [Ruling(rule=entry, passed=margin >= 0, finding=name, bound=bound, margin=margin, text=text, **ends)]

    def _gain(self, task: Task) -> str:
        return f"{self.finding or 'test/' + task.headline}/gain"

    def _reason(self) -> str:
        return {
            "high": f"it is shown to be worse by more than {self.tolerance:g}",
            "value": f"it may be worse by {self.tolerance:g}",
            "low": f"it is not shown to be worse by at most {self.tolerance:g}",
        }[self.by]


def _sentence(finding: Finding, champion: str) -> str:
    """ "log_loss: better than champion adult 3 by 0.006 [0.002, 0.01] (p = 0.002)"."""
    assert finding.value is not None
    metric = finding.name.removesuffix("/gain")
    p_value = finding.evidence.get("p_value")
    ends = "" if finding.low is None or finding.high is None else f" [{finding.low:.3g}, {finding.high:.3g}]"
    chance = "" if p_value is None else f" (p = {p_value:.2g})"
    if not finding.value:
        return f"{metric} is that of champion {champion}{chance}"
    return f"{metric} is {'better' if finding.value > 0 else 'worse'} than champion {champion}: gain {finding.value:.3g}{ends}{chance}"
