"""Small changes that turn an answer: few columns, as little as it takes, asked again, and none that must stay."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from mlforge.errors import RecipeError
from mlforge.explaining.counterfactual import counterfactuals
from mlforge.explaining.reach import Reach

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


def reached(reach: Reach, row: pl.DataFrame = ROW, **more: Any):
    return counterfactuals(row, VALUES, lambda rows: pl.Series(score(rows)), lambda rows: reach.away(score(rows)), wanted=reach.holds, **more)


def test_a_value_is_brought_into_the_range_that_is_wanted_and_no_further() -> None:
    for reach, value in ((Reach(1.0, 1.5), 1.0), (Reach(high=-3.0), -3.0), (Reach(low=1.0), 1.0)):
        for one in reached(reach):
            assert reach.holds(pl.Series(score(one.row)))[0]
            assert one.prediction == score(one.row)[0]
        assert any(abs(one.prediction - value) < 0.01 for one in reached(reach))


def test_a_value_that_lies_there_already_needs_no_change_and_one_out_of_reach_has_none() -> None:
    assert reached(Reach(-3.0, -1.0)) == []
    assert reached(Reach(low=100.0)) == []
    assert reached(Reach(low=1.0), confirmed=lambda row: 0.5) == [], "what the model does not confirm is not told"


@pytest.mark.parametrize(("text", "told"), [("100:200", "from 100 to 200"), ("100:", "at least 100"), (":-2.5", "at most -2.5")])
def test_a_range_is_read_and_said(text: str, told: str) -> None:
    assert str(Reach.read(text)) == told


@pytest.mark.parametrize("text", ["", ":", "100", "b:c", "5:1", "nan:1"])
def test_what_is_no_range_is_an_error_that_says_how_to_write_one(text: str) -> None:
    with pytest.raises(RecipeError, match="is no range"):
        Reach.read(text)
