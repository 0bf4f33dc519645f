"""What a protection must do.

    class TestHash(ProtectionContract):
        component = Hash(columns=("person",))

Its `columns` are those of the sample's contract (see mlforge.testing.samples), of which `person` is the name of one.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from pydantic import TypeAdapter

from mlforge.components import Component, Protection, rules_of
from mlforge.contract import Contract
from mlforge.runtime.protections import Protector, Rule
from mlforge.testing.component import ComponentContract
from mlforge.testing.samples import contract_for, people

if TYPE_CHECKING:
    import polars as pl

__all__ = ["ProtectionContract"]


class ProtectionContract(ComponentContract[Protection]):
    """Clauses for a protection of personal data."""

    kind: ClassVar[type[Component]] = Protection

    def contract(self) -> Contract:
        """What the rows keep."""
        return contract_for()

    def rows(self, count: int) -> pl.DataFrame:
        """Rows that keep the contract."""
        return people(count)

    def exercise(self, component: Protection, folder: Path) -> None:
        """Protect some rows."""
        self._protected(component, self.rows(50))

    def disturb(self, component: Protection, folder: Path) -> None:
        """Ask for a rule of every column, those that it cannot protect among them."""
        for key, column in self.contract().columns.items():
            component.rule(key, column)

    def test_it_protects_a_column(self, subject: Protection) -> None:
        """Else the example shows nothing; give `component` columns of the sample's contract."""
        assert subject.chosen(self.contract()), f"its columns are none of {', '.join(self.contract().columns)}"

    def test_it_gives_the_same_rule_each_time(self, subject: Protection) -> None:
        """Else one person has two pseudonyms, and a bundle treats a row otherwise than training did."""
        assert self._rules(subject) == self._rules(subject)

    def test_its_rules_travel_as_plain_data(self, subject: Protection) -> None:
        """Else a bundle, which carries no code, cannot protect the rows that it is asked about."""
        rules = Protector(self._rules(subject)).travelling
        adapter = TypeAdapter[dict[str, Any]](dict[str, Rule])
        plain = json.loads(json.dumps(adapter.dump_python(rules, mode="json")))
        again = adapter.validate_python(plain)
        assert again == rules
        if "person" not in again or self._is_dropped(subject, "person"):
            return
        assert Protector(again).apply(self.rows(30)).equals(Protector(rules).apply(self.rows(30)))

    def test_a_protected_value_is_not_what_it_was(self, subject: Protection) -> None:
        """Else personal data stands in tables, findings and logs."""
        rows = self.rows(200)
        left = self._protected(subject, rows)
        for key in subject.chosen(self.contract()):
            if key in left.columns:
                same = float((rows[key].cast(_text()).to_numpy() == left[key].cast(_text()).to_numpy()).mean())
                assert same < 0.5, f"{same:.0%} of the values of {key} are as they were"

    @pytest.mark.parametrize("count", [0, 1])
    def test_no_rows_and_one_row_are_protected(self, subject: Protection, count: int) -> None:
        """Else a small request ends in a traceback."""
        assert self._protected(subject, self.rows(count)).height == count

    def test_a_column_that_it_cannot_protect_is_refused_in_words(self, subject: Protection) -> None:
        """Else `mlforge check` ends in a traceback, or personal data is let through."""
        for key, column in self.contract().columns.items():
            try:
                subject.rule(key, column)
            except ValueError as error:
                assert str(error).strip(), f"no reason is given for {key}"  # noqa: PT017 - either way is right

    def _rules(self, component: Protection) -> dict[str, Rule]:
        return rules_of(self.contract(), {"entry": component})

    def _protected(self, component: Protection, rows: pl.DataFrame) -> pl.DataFrame:
        rules = self._rules(component)
        return Protector(rules).apply(rows.drop([key for key, rule in rules.items() if rule.kind == "drop"]))

    def _is_dropped(self, component: Protection, key: str) -> bool:
        return self._rules(component)[key].kind == "drop"


def _text() -> type[pl.String]:
    import polars as pl

    return pl.String
