"""What a bundle knows of its training rows: what is usual, and nobody in particular."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from mlforge.artifact import ROW
from mlforge.contract import Column, Contract
from mlforge.explaining.background import Background, sampled

CONTRACT = Contract(
    columns={
        "age": Column(dtype="int", nullable=True), "income": Column(dtype="float"), "town": Column(dtype="category"), "since": Column(dtype="datetime"),
        "member": Column(dtype="bool"), "mail": Column(dtype="string", pii="email"), "story": Column(dtype="text"),
        "sex": Column(dtype="category", role="protected"),
        "pixels": Column(dtype="array[float, 3]"), "bought": Column(dtype="bool", role="target"),
    }
)  # fmt: skip


def people(count: int) -> pl.DataFrame:
    draw = np.random.default_rng(0)
    income = draw.lognormal(10, 1, count)
    return pl.DataFrame(
        {
            "age": [None if place % 10 == 0 else int(age) for place, age in enumerate(draw.integers(18, 90, count))], "income": income,
            "town": ["Hapax" if place == 7 else "Big" if place % 3 else "Small" for place in range(count)],
            "since": [datetime(2020, 1, 1 + place % 28) for place in range(count)], "member": [place % 2 == 0 for place in range(count)],
            "mail": [f"u{place}@x.org" for place in range(count)], "story": [f"my life {place}" for place in range(count)], "sex": ["F"] * count,
            "pixels": pl.Series(draw.normal(size=(count, 3)), dtype=pl.Array(pl.Float64, 3)), "bought": [True] * count,
        }
    )  # fmt: skip


def test_it_holds_no_persons_value_and_no_column_of_persons() -> None:
    rows = people(1000)
    told = Background.of(rows, CONTRACT)
    assert set(told.columns) == {"age", "income", "town", "since", "member", "pixels"}
    assert not set(told.columns["income"]) & {float(f"{value:.6g}") for value in rows["income"]}, "means of ten and more, not values"
    assert "Hapax" not in told.columns["town"]
    assert max(told.columns["income"]) < rows["income"].max()


def test_made_up_rows_have_the_shares_and_types_of_the_training_rows() -> None:
    rows = people(1000)
    made = Background.of(rows, CONTRACT).rows(64, dict(rows.schema))
    assert {key: made[key].dtype for key in made.columns} == {key: rows[key].dtype for key in made.columns}
    assert (made["town"] == "Small").mean() == pytest.approx(1 / 3, abs=0.03)
    assert made["age"].null_count() / 64 == pytest.approx(0.1, abs=0.03)
    assert made["income"].median() == pytest.approx(rows["income"].median(), rel=0.1)
    assert made["since"].min() >= rows["since"].min()
    assert made.equals(Background.of(rows, CONTRACT).rows(64, dict(rows.schema)))


def test_with_fewer_than_ten_rows_nothing_is_told() -> None:
    assert Background.of(people(9), CONTRACT).columns == {}


@pytest.mark.parametrize("cuts", [[0, 500, 1000], [0, 1, 2, 1000]])
def test_the_sample_does_not_depend_on_how_rows_are_cut(cuts: list[int]) -> None:
    rows = people(1000).with_columns(pl.int_range(pl.len()).alias(ROW))
    whole = sampled([rows], ROW)
    parts = sampled([rows[start:stop] for start, stop in pairwise(cuts)], ROW)
    assert whole is not None
    assert parts is not None
    assert whole.equals(parts)
