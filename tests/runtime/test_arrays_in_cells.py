"""Arrays come flat, in lists of their shape, or as text; whatever is none of these is no array."""

from __future__ import annotations

import io

import numpy as np
import polars as pl
import pytest

from mlforge.runtime.arrays import array_sides, array_typed

FLAT = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]


def read(cells: list[object], shape: str = "2x3", **how: object) -> list[object]:
    series = pl.Series("a", cells, **how)  # type: ignore[arg-type]
    frame = series.to_frame().with_columns(array_typed(pl.col("a"), series.dtype, array_sides(f"array[float, {shape}]")).alias("a"))
    assert frame.schema["a"] == pl.Array(pl.Float64, int(np.prod(array_sides(f"array[float, {shape}]"))))
    return frame["a"].to_list()


@pytest.mark.parametrize(
    "cells",
    [
        [FLAT],
        [[1, 2, 3, 4, 5, 6]],
        [[FLAT[:3], FLAT[3:]]],
        ["[1, 2.0,3 ,4,5e0, 6]"],
    ],
    ids=["flat", "whole numbers", "by its shape", "text"],
)
def test_they_are_the_same_however_they_come(cells: list[object]) -> None:
    assert read(cells) == [FLAT]


def test_arrays_of_the_source_are_read_by_their_shape() -> None:
    assert read([np.array(FLAT).reshape(2, 3)], dtype=pl.Array(pl.Float32, (2, 3))) == [FLAT]
    assert read([np.array(FLAT).reshape(3, 2)], dtype=pl.Array(pl.Float32, (3, 2))) == [None]
    stream = io.BytesIO()
    pl.Series("a", [np.arange(8).reshape(2, 2, 2)], dtype=pl.Array(pl.UInt8, (2, 2, 2))).to_frame().write_ipc_stream(stream)
    frame = pl.read_ipc_stream(io.BytesIO(stream.getvalue()))
    assert read(frame["a"].to_list(), "2x2x2", dtype=pl.List(pl.List(pl.List(pl.Int64)))) == [[float(one) for one in range(8)]]


@pytest.mark.parametrize(
    "cells",
    [
        [[*FLAT, 7.0], FLAT[:5], [], None, [*FLAT[:5], None], [*FLAT[:5], float("nan")], [*FLAT[:5], float("inf")]],
        [[FLAT[:2], FLAT[2:]], [FLAT], [FLAT[:3]], [FLAT[:3], None], [None, None], [], None, [FLAT[:3], [4.0, 5.0, None]]],
        [[FLAT[:2], FLAT[2:4], FLAT[4:]]],
        [[[FLAT[:3], FLAT[3:]]]],
        ["1,2,3,4,5,6", "[1,2,3,4,5]", "[1,2,3,4,5,x]", "[1,2,3,4,5,inf]", "[]", "", "[[1,2,3],[4,5,6]]"],
        [["1", "2", "3", "4", "5", "6"]],
        [1.0, 2.0],
    ],
    ids=["flat", "nested", "another shape", "too deep", "text", "list of texts", "numbers"],
)
def test_what_is_none_is_none(cells: list[object]) -> None:
    assert read(cells, strict=False) == [None] * len(cells)


def test_one_cell_decides_nothing_for_another() -> None:
    nested = [FLAT[:3], FLAT[3:]]
    assert read([nested, [FLAT[:3]], None, nested]) == [FLAT, None, None, FLAT]
