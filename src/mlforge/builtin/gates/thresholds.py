"""A gate that holds findings against numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from mlforge.builtin.gates.ruling import number, shown, unmeasured
from mlforge.components import Evidence, Gate, Ruling
from mlforge.finding import Finding, Subject

if TYPE_CHECKING:
    from mlforge.task import Task

__all__ = ["Rule", "Thresholds"]


class Rule(BaseModel):
    """One finding, and the numbers that it must lie between."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    finding: str = Field(description="name of the finding, such as test/roc_auc")
    min: float | None = Field(default=None, allow_inf_nan=False, description="smallest value that passes")
    max: float | None = Field(default=None, allow_inf_nan=False, description="largest value that passes")
    by: Literal["value", "low", "high"] = Field(default="value", description="judge the value, or an end of its interval: `low` with a `min` asks for proof")
    subject: Subject | None = Field(default=None, description="whom the finding is about; by default the candidate, or else the data")

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if self.min is None and self.max is None:
            raise ValueError("a rule needs min, max or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is above max {self.max:g}: nothing could pass")
        return self

    @property
    def bound(self) -> str:
        """What is asked, as a person writes it."""
        return " and ".join(part for part in (f"≥ {self.min:g}" if self.min is not None else "", f"≤ {self.max:g}" if self.max is not None else "") if part)

    def found(self, evidence: Evidence) -> Finding | None:
        """The finding that is judged."""
        if self.subject:
            return evidence.get(self.finding, self.subject)
        return evidence.get(self.finding) or evidence.get(self.finding, "data")


class Thresholds(Gate):
    """Findings must lie above or below given numbers."""

    rules: Mapping[str, Rule] = Field(min_length=1, description="by name: {auc: {finding: test/roc_auc, min: 0.9}}")

    def needs(self, task: Task) -> Mapping[str, str]:
        """The finding of every rule."""
        return {f"rules.{name}.finding": rule.finding for name, rule in self.rules.items()}

    def judge(self, entry: str, evidence: Evidence, task: Task) -> Iterable[Ruling]:
        """One ruling per rule."""
        return [_ruling(f"{entry}.{name}", rule, rule.found(evidence)) for name, rule in self.rules.items()]


def _ruling(name: str, rule: Rule, finding: Finding | None) -> Ruling:
    value = None if finding is None else number(getattr(finding, rule.by))
    if finding is None or value is None or number(finding.value) is None:
        return unmeasured(name, rule.finding, finding, rule.bound, "" if rule.by == "value" else f"the {rule.by} end of its interval")
    margins = [value - rule.min] if rule.min is not None else []
    margins += [rule.max - value] if rule.max is not None else []
    margin = min(margins)
    which = "" if rule.by == "value" else f", whose {rule.by} end is judged,"
    how = f"is {rule.bound}" if margin >= 0 else f"is not {rule.bound}: off by {-margin:.3g}"
    text = f"{rule.finding} {shown(finding)}{which} {how}"
    return Ruling(
        rule=name, passed=margin >= 0, finding=rule.finding, value=finding.value, low=finding.low, high=finding.high, bound=rule.bound, margin=margin, text=text
    )
