"""What a gate must do.

class TestBudget(GateContract):
    component = Budget(most=10)
    passing = {"test/latency": 5.0}
    failing = {"test/latency": 50.0}
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import pytest

from mlforge.components import Component, Gate, Ruling
from mlforge.finding import Finding, Subject
from mlforge.task import TASKS, Task
from mlforge.testing.component import ComponentContract

__all__ = ["Before", "GateContract"]


@dataclass(frozen=True)
class Before:
    """The evidence before a gate, from a plain table: "test/auc" is the candidate's, "test/auc@baseline" another's."""

    values: Mapping[str, float | Finding | None] = field(default_factory=dict)
    champion: str | None = None

    def get(self, name: str, subject: Subject = "candidate") -> Finding | None:
        """The finding, as `mlforge.components.Evidence` asks for it."""
        key = name if subject == "candidate" else f"{name}@{subject}"
        if key not in self.values:
            return None
        value = self.values[key]
        if isinstance(value, Finding):
            return value
        low, high = (None, None) if value is None else (value, value)
        return Finding(name=name, value=value, low=low, high=high, better="higher", subject=subject, text="" if value is not None else "no rows")


class GateContract(ComponentContract[Gate]):
    """Clauses for a gate."""

    kind: ClassVar[type[Component]] = Gate
    task: ClassVar[str] = "classification"
    passing: ClassVar[Mapping[str, float | Finding | None]] = {}
    """Findings on which it says yes: {"test/roc_auc": 0.95}; "test/log_loss@baseline" is that of the trivial model."""
    failing: ClassVar[Mapping[str, float | Finding | None]] = {}
    """Findings on which it says no."""
    champion: ClassVar[str | None] = None
    """The champion, for a gate that compares with it: "adult 3"."""

    def exercise(self, component: Gate, folder: Path) -> None:
        """Judge."""
        self._judged(component, self.passing)

    def disturb(self, component: Gate, folder: Path) -> None:
        """Judge without any evidence."""
        self._judged(component, {})

    def test_it_waits_for_each_role_that_it_asks(self, subject: Gate) -> None:
        """Else a signature is asked for that `check` knows nothing of, or a model is registered without it."""
        rulings = self._judged(subject, self.passing)
        assert {ruling.role for ruling in rulings if ruling.role} == {*subject.signers().values()}, "signers() and the rulings name other roles"
        assert not any(ruling.passed for ruling in rulings if ruling.role), "what a person must decide is not passed before"
        for key in subject.signers():
            assert key.partition(".")[0] in type(subject).model_fields, f"{key} begins with no field of {type(subject).__name__}"

    def test_it_passes_what_is_good_enough(self, subject: Gate) -> None:
        """Else no model is ever registered."""
        if self._asks_people_only(subject):
            return
        assert self.passing, "give the suite `passing`: findings on which it says yes"
        refused = [ruling.text for ruling in self._judged(subject, self.passing) if not ruling.passed and not ruling.role]
        assert not refused, f"refused: {'; '.join(refused)}"

    def test_it_refuses_what_is_not(self, subject: Gate) -> None:
        """Else a bad model is registered."""
        if self._asks_people_only(subject):
            return
        assert self.failing, "give the suite `failing`: findings on which it says no"
        assert not all(ruling.passed for ruling in self._judged(subject, self.failing)), "it passes"

    def test_it_says_beforehand_what_it_needs(self, subject: Gate) -> None:
        """Else a misspelt finding is noticed when the training is done."""
        needs = subject.needs(self._task)
        assert all(isinstance(name, str) and name for name in needs.values()), "needs() gives names of findings by the key that names them"
        for key in needs:
            assert key.partition(".")[0] in type(subject).model_fields, f"{key} begins with no field of {type(subject).__name__}"
        judged = {ruling.finding for ruling in self._judged(subject, self.passing) if not ruling.role}
        assert judged <= {*needs.values()}, f"it judges {', '.join(sorted(judged - {*needs.values()}))} without saying so in needs()"

    def test_what_was_not_measured_never_passes(self, subject: Gate) -> None:
        """Else a model is registered because its evaluation was forgotten."""
        needed = {*subject.needs(self._task).values()}
        without = {name: value for name, value in self.passing.items() if name.partition("@")[0] not in needed}
        self._refuses(subject, without, "nothing was measured")

    @pytest.mark.parametrize("value", [None, math.nan], ids=["none", "nan"])
    def test_what_has_no_value_never_passes(self, subject: Gate, value: float | None) -> None:
        """Else a measurement that failed counts as one that went well."""
        needed = {*subject.needs(self._task).values()}
        empty = {name: value if name in needed else given for name, given in self.passing.items()}
        self._refuses(subject, empty | dict.fromkeys(needed, value), f"every value is {value}")

    def test_it_judges_alike_each_time(self, subject: Gate) -> None:
        """Else an unchanged re-run may end with another verdict."""
        assert self._judged(subject, self.passing) == self._judged(subject, self.passing)
        assert self._judged(subject, self.failing) == self._judged(subject, self.failing)

    def test_a_ruling_names_its_entry_and_says_why(self, subject: Gate) -> None:
        """Else nobody can tell which gate said no, or what to do about it."""
        for evidence in (self.passing, self.failing, {}):
            for ruling in self._judged(subject, evidence):
                assert ruling.rule.partition(".")[0] == "entry", f"the rule {ruling.rule!r}; it begins with the entry's name"
                assert ruling.text.strip(), f"{ruling.rule} says nothing"
                assert ruling.finding.strip(), f"{ruling.rule} names no finding"

    def test_a_ruling_is_plain_data(self, subject: Gate) -> None:
        """Else the verdict cannot be written down."""
        for evidence in (self.passing, self.failing, {}):
            for ruling in self._judged(subject, evidence):
                assert Ruling.model_validate_json(ruling.model_dump_json()) == ruling

    @property
    def _task(self) -> Task:
        return TASKS[self.task]

    def _judged(self, component: Gate, values: Mapping[str, float | Finding | None]) -> list[Ruling]:
        return list(component.judge("entry", Before(values, self.champion), self._task))

    def _asks_people_only(self, component: Gate) -> bool:
        """Judges no finding: it never passes by itself, and never refuses."""
        return bool(component.signers()) and not component.needs(self._task)

    def _refuses(self, component: Gate, values: Mapping[str, float | Finding | None], why: str) -> None:
        rulings = self._judged(component, values)
        assert rulings, f"{why}, and it says nothing at all"
        assert not any(ruling.passed for ruling in rulings), f"{why}, and it says yes: {next(one.text for one in rulings if one.passed)}"
