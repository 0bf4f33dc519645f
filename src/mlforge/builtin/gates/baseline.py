"""A gate that asks for more than a model without features knows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from pydantic import Field

from mlforge.builtin.gates.ruling import number, shown, unmeasured
from mlforge.components import Evidence, Gate, Ruling

if TYPE_CHECKING:
    from mlforge.task import Task

__all__ = ["Baseline"]


class Baseline(Gate):
    """The model must beat the trivial one: class shares, or the mean, of the training rows. Judges a first run too."""

    finding: str | None = Field(default=None, description="what is compared, such as test/log_loss; by default the task's own proper score")
    min_gain: float = Field(
        default=0.0, ge=0, allow_inf_nan=False, description="how much better it must be, in the finding's unit; it must be better in any case"
    )

    def needs(self, task: Task) -> Mapping[str, str]:
        """The finding that is compared."""
        return {"finding": self._name(task)}

    def judge(self, entry: str, evidence: Evidence, task: Task) -> Iterable[Ruling]:
        """One ruling. The direction is the finding's own; a finding without one cannot be compared."""
        name = self._name(task)
        candidate, trivial = evidence.get(name), evidence.get(name, "baseline")
        bound = f"> trivial model by {self.min_gain:g}" if self.min_gain else "better than the trivial model"
        for finding in (candidate, trivial):
            if finding is None or number(finding.value) is None:
                whose = "" if finding is candidate else " of the trivial model"
                ruling = unmeasured(entry, name, finding, bound)
                return [ruling.model_copy(update={"text": ruling.text.replace(name, name + whose, 1)})]
        assert candidate is not None
        assert trivial is not None
        if candidate.better is None:
            return [
                Ruling(
                    rule=entry, passed=False, finding=name, value=candidate.value, bound=bound, text=f"{name} has no better direction, so it cannot be compared"
                )
            ]
        assert candidate.value is not None
        assert trivial.value is not None
        gain = (candidate.value - trivial.value) * (1 if candidate.better == "higher" else -1)
        passed = gain > 0 and gain >= self.min_gain
        how = f"better than the trivial model's {trivial.value:.3g} by {gain:.3g}" if gain > 0 else f"no better than the trivial model's {trivial.value:.3g}"
        asked = f", and {self.min_gain:g} was asked" if gain > 0 and not passed else ""
        text = f"{name} {shown(candidate)} is {how}{asked}"
        low, high = candidate.low, candidate.high
        return [Ruling(rule=entry, passed=passed, finding=name, value=candidate.value, low=low, high=high, bound=bound, margin=gain - self.min_gain, text=text)]

    def _name(self, task: Task) -> str:
        return self.finding or f"test/{task.headline}"
