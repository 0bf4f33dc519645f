"""What a perturbation must do.

    class TestSmudge(PerturbationContract):
        component = Smudge(share=0.5)

It changes the sample's columns of its dtypes (see mlforge.testing.samples); name some in `columns` when it is for values of one column only.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, ClassVar

import pytest

from mlforge.components import Component, Perturbation
from mlforge.testing.component import ComponentContract
from mlforge.testing.samples import contract_for, people

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

__all__ = ["PerturbationContract"]

_DTYPES = frozenset({"int", "float", "bool", "category", "string", "text", "datetime"})
_ROWS = 300


class PerturbationContract(ComponentContract[Perturbation]):
    """Clauses for a perturbation."""

    kind: ClassVar[type[Component]] = Perturbation
    columns: ClassVar[tuple[str, ...]] = ()
    """Columns of the sample that it is to change; by default all of its dtypes."""

    def exercise(self, component: Perturbation, folder: Path) -> None:
        """Change the sample."""
        for values in self._samples(component):
            component.apply(values, _keys(len(values)))

    def disturb(self, component: Perturbation, folder: Path) -> None:
        """Give it fewer keys than values."""
        for values in self._samples(component):
            component.apply(values, _keys(1))

    def test_it_says_which_columns_it_can_change(self, subject: Perturbation) -> None:
        """Else `mlforge check` lets a behaviour test change what it cannot."""
        assert subject.dtypes, "it names no dtypes"
        assert subject.dtypes <= _DTYPES, f"no dtypes of a contract: {', '.join(sorted(subject.dtypes - _DTYPES))}"
        assert [*self._samples(subject)], "the sample has no column for it; name some in `columns`"

    def test_it_changes_something(self, subject: Perturbation) -> None:
        """Else a behaviour test passes whatever the model does."""
        changed = [not subject.apply(values, _keys(len(values))).equals(values) for values in self._samples(subject)]
        assert any(changed), "the sample is as it was"

    def test_the_same_keys_give_the_same_change(self, subject: Perturbation) -> None:
        """Else an unchanged model fails today what it passed yesterday."""
        for values in self._samples(subject):
            assert subject.apply(values, _keys(_ROWS)).equals(subject.apply(values, _keys(_ROWS))), f"{values.name} is changed otherwise the second time"

    @pytest.mark.parametrize("seed", range(3))
    def test_a_row_is_changed_alike_however_rows_are_cut(self, subject: Perturbation, seed: int) -> None:
        """Else a figure depends on the size of partitions: chance follows from a row's key, and from nothing about its neighbours."""
        import polars as pl

        random = Random(seed)  # noqa: S311 - cuts, not keys
        edges = [0, *sorted(random.randrange(_ROWS + 1) for _ in range(4)), _ROWS]
        keys = _keys(_ROWS)
        for values in self._samples(subject):
            pieces = [subject.apply(values[low:high], keys[low:high]) for low, high in pairwise(edges)]
            assert pl.concat(pieces).equals(subject.apply(values, keys)), f"{values.name}, cut at {edges[1:-1]}, is changed otherwise"

    def test_every_value_has_one_in_its_place_and_of_its_type(self, subject: Perturbation) -> None:
        """Else the model is asked about other rows, or cannot read them."""
        for values in self._samples(subject):
            changed = subject.apply(values, _keys(_ROWS))
            assert len(changed) == len(values), f"{len(changed)} values of {values.name}, of {len(values)}"
            assert changed.dtype == values.dtype, f"{values.name} was {values.dtype}, and is {changed.dtype}"

    def test_what_is_missing_stays_missing(self, subject: Perturbation) -> None:
        """Else it invents values, and a test of changes is one of missing values."""
        for values in self._samples(subject):
            sparse = values.scatter(range(0, len(values), 5), None)
            filled = subject.apply(sparse, _keys(_ROWS)).filter(sparse.is_null()).drop_nulls()
            assert not len(filled), f"a missing {values.name} becomes {filled[0]!r}"

    @pytest.mark.parametrize("count", [0, 1])
    def test_no_rows_and_one_row_are_changed(self, subject: Perturbation, count: int) -> None:
        """Else a partition with nobody in it ends in a traceback."""
        for values in self._samples(subject):
            changed = subject.apply(values.head(count), _keys(count))
            assert (len(changed), changed.dtype) == (count, values.dtype)

    def test_a_column_without_values_stays_one(self, subject: Perturbation) -> None:
        """Else a column that nobody fills in ends in a traceback."""
        for values in self._samples(subject):
            assert subject.apply(values.clear(20), _keys(20)).null_count() == 20

    def _samples(self, component: Perturbation) -> Iterator[pl.Series]:
        """The sample's columns that it can change."""
        rows = people(_ROWS)
        for key, column in contract_for().columns.items():
            if key in self.columns or (not self.columns and column.dtype in component.dtypes):
                yield rows[key]


def _keys(count: int) -> np.ndarray:
    """A key for each row, spread as those of a behaviour test are."""
    import numpy as np

    from mlforge.builtin.probes.resampling import mixed

    return mixed(np.arange(count, dtype=np.uint64))
