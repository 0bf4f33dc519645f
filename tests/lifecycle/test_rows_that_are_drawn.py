from __future__ import annotations

import polars as pl
import pytest

from mlforge.artifact import ROW
from mlforge.lifecycle.rows.drawn import Drawn

ROWS = pl.DataFrame({ROW: range(500), "value": [f"row {i}" for i in range(500)]})


@pytest.mark.parametrize("cuts", [(), (1,), (100, 101, 499), tuple(range(1, 500, 7))])
def test_however_the_rows_are_cut_the_same_are_drawn(cuts: tuple[int, ...]) -> None:
    whole, parted = Drawn(50), Drawn(50)
    whole.add(ROWS)
    for start, stop in zip((0, *cuts), (*cuts, 500), strict=True):
        parted.add(ROWS[start:stop])
    first, other = whole.rows(50), parted.rows(50)
    assert first is not None
    assert other is not None
    assert first.equals(other)
    assert first[ROW].is_sorted()
    fewer = parted.rows(10)
    assert fewer is not None
    assert set(fewer[ROW]) < set(first[ROW])


def test_few_rows_are_all_drawn_and_none_where_none_are_asked_for() -> None:
    few, none = Drawn(50), Drawn(0)
    few.add(ROWS[:3])
    few.add(ROWS[:0])
    none.add(ROWS)
    told = few.rows(20)
    assert told is not None
    assert told.equals(ROWS[:3])
    assert none.rows(0) is None
    assert Drawn(5).rows(5) is None
