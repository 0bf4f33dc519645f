"""Which rows a smoke run takes."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from mlforge.contract import Contract
from mlforge.lifecycle.rows.thinned import thinned

COLUMNS = {"x": {"dtype": "int"}, "kind": {"dtype": "category", "role": "target", "name": "the kind"}}


def taken(frame: pl.DataFrame, size: int = 1000, **columns: Any) -> pl.DataFrame | None:
    return thinned(frame.iter_slices(size), Contract.model_validate({"columns": COLUMNS | columns}))


def sorted_by_class(rows: int, *, rare: int) -> pl.DataFrame:
    return pl.DataFrame({"x": range(rows), "the kind": ["a"] * (rows - rare - 2) + ["b"] * rare + [None, "c"]})


@pytest.mark.parametrize("rows", [1, 2, 511, 512, 513, 1024, 1025, 9_999, 100_001])
def test_rows_come_at_even_distances_however_long_the_source(rows: int) -> None:
    few = taken(pl.DataFrame({"x": range(rows), "the kind": ["a"] * rows}))
    assert few is not None
    assert min(rows, 512) <= few.height <= min(rows, 512 + 24)
    assert few.columns == ["x", "the kind"]
    rest = few["x"].slice(24).diff().drop_nulls()
    assert rest.is_empty() or int(rest.max()) <= -(-rows // 256)  # type: ignore[arg-type]  # numbers


def test_every_class_is_there_and_no_missing_value_is_one() -> None:
    few = taken(sorted_by_class(50_000, rare=30))
    assert few is not None
    assert dict(few["the kind"].value_counts().iter_rows())["b"] >= 24
    assert few["the kind"].to_list().count("c") == 1
    assert few["x"].is_sorted()


def test_how_the_source_comes_in_frames_does_not_matter() -> None:
    frame = sorted_by_class(20_000, rare=30)
    one, other = taken(frame, 65_536), taken(frame, 777)
    assert one is not None
    assert one.equals(other)  # type: ignore[arg-type]  # there are rows


def test_a_quantity_has_no_classes_and_a_source_may_have_no_rows_or_not_the_column() -> None:
    frame = pl.DataFrame({"x": range(5000), "the kind": [str(number) for number in range(5000)]})
    quantity, many, lacking = taken(frame, kind={"dtype": "float", "role": "target", "name": "the kind"}), taken(frame), taken(frame.select("x"))
    assert quantity is not None
    assert many is not None
    assert lacking is not None
    assert (quantity.height, lacking.height) == (512, 512)
    assert 512 < many.height <= 512 + 100 * 24
    assert taken(frame.clear()) is None
