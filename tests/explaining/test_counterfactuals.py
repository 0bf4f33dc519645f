"""Small changes that turn an answer: few columns, as little as it takes, asked again, and none that must stay."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from mlforge.explaining.counterfactual import counterfactuals

VALUES = {"x": pl.Series("x", [-4.0, 0.0, 4.0]), "y": pl.Series("y", [-1, 0, 1, 2]), "k": pl.Series("k", ["a", "b"])}
ROW = pl.DataFrame({"x": [-2.0], "y": [0], "k": ["a"]})


def score(rows: pl.DataFrame) -> np.ndarray:
    return (rows["x"] + rows["y"] + 2 * (rows["k"] == "b").cast(pl.Float64)).to_numpy()


def said(rows: pl.DataFrame) -> pl.Series:
    return pl.Series(["yes" if value >= 1 else "no" for value in score(rows)], dtype=pl.String)


def found(values: dict[str, pl.Series], confirmed: Any = None, row: pl.DataFrame = ROW):
    return counterfactuals(row, values, said, lambda rows: -score(rows), confirmed=confirmed)


def test_a_number_moves_no_further_than_the_other_answer_asks_for() -> None:
    (one,) = found(VALUES)
    (change,) = one.changes
    assert (change.column, change.before) == ("x", -2.0)
    assert 1.0 <= change.after < 1.01
    assert one.prediction == "yes"
    assert said(one.row)[0] == "yes"


def test_columns_that_must_stay_stay_and_several_are_changed_together() -> None:
    (one,) = found({"y": VALUES["y"], "k": VALUES["k"]})
    assert {change.column: change.after for change in one.changes} == {"y": 1, "k": "b"}


def test_what_the_model_does_not_confirm_is_not_told() -> None:
    assert found(VALUES, confirmed=lambda row: None) == []
    assert found(VALUES, confirmed=lambda row: "no") == []


def test_where_nothing_turns_the_answer_nothing_is_told() -> None:
    assert found({"y": VALUES["y"]}) == []
    assert found({}) == []
