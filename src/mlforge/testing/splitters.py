"""What a splitter must do.

    class TestByRegion(SplitterContract):
        component = ByRegion(column="region")

Rows and contract are a sample's (see mlforge.testing.samples); override `contract` and `rows` for a splitter that needs others.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import pytest

from mlforge.artifact import PARTS, ROW, UNUSED
from mlforge.components import Component, Splitter
from mlforge.contract import Contract
from mlforge.errors import DataError, MlforgeError
from mlforge.testing.component import ComponentContract
from mlforge.testing.samples import contract_for, people

if TYPE_CHECKING:
    import polars as pl

__all__ = ["SplitterContract"]

_SEED = 11


class SplitterContract(ComponentContract[Splitter]):
    """Clauses for a splitter."""

    kind: ClassVar[type[Component]] = Splitter
    moves: ClassVar[float] = 0.05
    """The share of rows that may change parts when a fiftieth more rows come; its docstring says why there are any."""

    def contract(self, component: Splitter) -> Contract:
        """A contract that it suits: a sample's with groups or without, for a classification or a regression."""
        candidates = [one for task in ("classification", "regression") for one in (contract_for(task), _ungrouped(contract_for(task)))]
        return next((one for one in candidates if not list(component.objections(one))), candidates[0])

    def rows(self, count: int) -> pl.DataFrame:
        """Rows that keep the contract; the first of many are the few."""
        return people(count)

    def exercise(self, component: Splitter, folder: Path) -> None:
        """Split the sample."""
        self._parts(component, 300)

    def disturb(self, component: Splitter, folder: Path) -> None:
        """Split rows without a column of the contract."""
        component.assign(self.rows(50).select(ROW).lazy(), self.contract(component), _SEED).collect()

    def test_every_row_gets_one_part(self, subject: Splitter) -> None:
        """Else rows vanish without a word, or are learnt from and judged by at once."""
        found = self._parts(subject, 300)
        assert found[ROW].to_list() == list(range(300)), "a row is missing, or there twice"
        assert set(found["part"]) <= {*PARTS, UNUSED}, f"the parts are {sorted(set(found['part']))}"

    def test_there_are_rows_to_train_to_validate_and_to_test(self, subject: Splitter) -> None:
        """Else a run ends after ingest with nothing to learn from or to judge by."""
        assert set(self._parts(subject, 300)["part"]) >= set(PARTS)

    def test_the_same_seed_gives_the_same_parts(self, subject: Splitter) -> None:
        """Else no run can be repeated, and no stage reused."""
        assert self._parts(subject, 300).equals(self._parts(subject, 300))

    def test_the_order_in_which_rows_arrive_decides_nothing(self, subject: Splitter) -> None:
        """Else the same rows, sorted otherwise by their source, are split otherwise."""
        shuffled = self.rows(300).sample(fraction=1.0, shuffle=True, seed=3)
        assert self._assigned(subject, shuffled).equals(self._parts(subject, 300))

    def test_rows_that_come_later_leave_the_others_where_they_are(self, subject: Splitter) -> None:
        """Else each day's new rows carry yesterday's test rows into the training."""
        both = self._parts(subject, 1000).join(self._parts(subject, 1020), on=ROW, suffix="_after")
        moved = float((both["part"].to_numpy() != both["part_after"].to_numpy()).mean())
        assert moved <= self.moves, f"{moved:.1%} of the rows change parts for 2 % more rows; {self.moves:.1%} are allowed"

    def test_a_group_is_in_one_part(self, subject: Splitter) -> None:
        """Else what is learnt of a household is asked of the same household; a splitter that cannot keep groups together objects to a contract with groups."""
        contract = self.contract(subject)
        groups = contract.having("group")
        if not groups:
            return
        found = self._parts(subject, 300).join(self.rows(300).select(ROW, groups[0]), on=ROW)
        pairs = found.select(groups[0], "part").unique()
        torn = pairs.height - pairs[groups[0]].n_unique()
        assert not torn, f"{torn} groups are in more than one part"

    @pytest.mark.parametrize("count", [0, 1])
    def test_no_rows_and_one_row_are_split_or_an_error_for_a_person(self, subject: Splitter, count: int) -> None:
        """Else the first day of a source ends in a traceback."""
        try:
            found = self._parts(subject, count)
        except MlforgeError as error:
            assert isinstance(error, DataError), f"{type(error).__name__}; too few rows are a DataError"  # noqa: PT017
            return
        assert found.height == count

    def _parts(self, component: Splitter, count: int) -> pl.DataFrame:
        return self._assigned(component, self.rows(count))

    def _assigned(self, component: Splitter, rows: pl.DataFrame) -> pl.DataFrame:
        return component.assign(rows.lazy(), self.contract(component), _SEED).collect().sort(ROW)


def _ungrouped(contract: Contract) -> Contract:
    columns = {key: column.model_copy(update={"role": "ignore"}) if column.role == "group" else column for key, column in contract.columns.items()}
    return contract.model_copy(update={"columns": columns})
