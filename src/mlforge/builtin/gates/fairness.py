"""A gate that holds the differences between groups of people against one number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from mlforge.builtin.gates.ruling import number, shown, unmeasured
from mlforge.components import Evidence, Gate, Ruling
from mlforge.finding import Finding

if TYPE_CHECKING:
    from mlforge.task import Task

__all__ = ["Fairness"]

Measure = Literal[
    "demographic_parity_difference", "equal_opportunity_difference", "equalised_odds_difference", "predictive_parity_difference", "accuracy_difference",
    "calibration_difference", "mae_difference", "bias_difference",
]  # fmt: skip


class Fairness(Gate):
    """No two groups of people may be further apart than `max`, for each of `columns` and each of `measures`.

    By default (`by: low`) it refuses a difference that is *shown*: the lower end of its interval, which holds over all pairs of groups at once, is above `max`.
    A fair model is then refused in at most one of twenty runs for each measure, however small its groups; the price is that a difference that small groups do
    not show passes. `by: value` refuses what was measured. A difference that could not be measured never passes.
    """

    columns: tuple[str, ...] = Field(min_length=1, description="whose groups are compared, as the fairness evaluator names them: [sex, sex*race]")
    measures: tuple[Measure, ...] = Field(default=("equal_opportunity_difference",), min_length=1, description="which differences are judged")
    max: float = Field(default=0.1, ge=0, allow_inf_nan=False, description="largest difference that passes; of values, in the target's unit")
    by: Literal["low", "value"] = Field(default="low", description="refuse what is shown to be larger (low), or what is measured to be (value)")
    window: str = Field(default="test", pattern=r"^[^/\s]+$", description="the first part of the findings' names")

    def needs(self, task: Task) -> Mapping[str, str]:
        """Each measure of each column."""
        return {f"columns.{at}" if len(self.measures) == 1 else f"columns.{at}.{name}": f"{self.window}/{column}/{name}"
                for at, column in enumerate(self.columns) for name in self.measures}  # fmt: skip

    def judge(self, entry: str, evidence: Evidence, task: Task) -> Iterable[Ruling]:
        """One ruling for each measure of each column."""
        for column in self.columns:
            for name in self.measures:
                rule = f"{entry}.{column}.{name}" if len(self.measures) > 1 else f"{entry}.{column}"
                yield self._ruling(rule, f"{self.window}/{column}/{name}", evidence)

    def _ruling(self, rule: str, name: str, evidence: Evidence) -> Ruling:
        finding, bound = evidence.get(name), f"≤ {self.max:g}"
        # a difference without an interval, such as that of calibration, has its value alone
        end = None if finding is None else finding.low if self.by == "low" and finding.low is not None else finding.value
        judged = number(end)
        if finding is None or judged is None or number(finding.value) is None:
            return unmeasured(rule, name, finding, bound)
        margin = self.max - judged
        ends = {"value": finding.value, "low": finding.low, "high": finding.high}
        text = self._sentence(finding, judged, passed=margin >= 0)
        return Ruling(rule=rule, passed=margin >= 0, finding=name, bound=bound, margin=margin, text=text, **ends)

    def _sentence(self, finding: Finding, judged: float, *, passed: bool) -> str:
        said = f"{finding.name} {shown(finding)}"
        if passed and finding.value is not None and finding.value > self.max:
            return f"{said} is not shown to be above {self.max:g}"
        if passed:
            return f"{said} is ≤ {self.max:g}"
        how = "shown to be above" if self.by == "low" and finding.low is not None else "above"
        return f"{said} is {how} {self.max:g} by {judged - self.max:.3g}" + (f": {finding.text}" if finding.text else "")
