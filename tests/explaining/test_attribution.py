"""Shapley values: those of a closed form, those of the library shap, and said to have failed where they do not add up."""

from __future__ import annotations

import math
import warnings

import numpy as np
import polars as pl
import pytest

from mlforge.explaining.attribution import attributed

COLUMNS = [f"c{number}" for number in range(10)]


def rows(count: int, columns: int, seed: int = 0) -> pl.DataFrame:
    draw = np.random.default_rng(seed)
    return pl.DataFrame({key: draw.normal(size=count) for key in COLUMNS[:columns]})


def linear(frame: pl.DataFrame) -> np.ndarray:
    return sum((number + 1) * frame[key].to_numpy() for number, key in enumerate(frame.columns))


def crossed(frame: pl.DataFrame) -> np.ndarray:
    """Columns that act together."""
    c = [frame[key].to_numpy() for key in frame.columns]
    return np.tanh(c[0] * c[1] + c[2]) + np.where(c[3] > 0, c[4], -c[4]) * c[0]


@pytest.mark.parametrize("columns", [3, 10])
def test_a_linear_models_values_are_weight_times_distance_from_the_mean(columns: int) -> None:
    row, background = rows(1, columns, 1), rows(50, columns)
    told = attributed(linear, row, background, float(linear(row)[0]))
    assert told.exact == (columns == 3)
    for number, key in enumerate(row.columns):
        expected = (number + 1) * (row[key][0] - background[key].mean())
        assert told.shares[key].value == pytest.approx(expected, abs=1e-9)
        assert told.shares[key].error == pytest.approx(0, abs=1e-9), "a linear model has no orders to disagree"
    assert not told.failed
    assert told.gap < 1e-9


@pytest.mark.slow  # numba compiles for half a minute; the closed form above and the draws below are quick
def test_exact_values_are_those_of_the_library_shap() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        shap = pytest.importorskip("shap")
        row, background = rows(1, 6, 1), rows(40, 6)
        explainer = shap.explainers.Exact(lambda x: crossed(pl.DataFrame(x, schema=COLUMNS[:6], orient="row")), background.to_numpy())
        theirs = explainer(row.to_numpy())
    told = attributed(crossed, row, background, float(crossed(row)[0]))
    assert told.base == pytest.approx(float(np.ravel(theirs.base_values)[0]), abs=1e-9)
    assert [share.value for share in told.shares.values()] == pytest.approx(theirs.values[0].tolist(), abs=1e-9)


def test_drawn_orders_come_near_the_exact_values_as_far_as_they_say() -> None:
    """Ten columns of which five do nothing: the values of the five others are those of a model of five."""
    row, background = rows(1, 10, 1), rows(40, 10)
    exact = attributed(crossed, row.select(COLUMNS[:5]), background.select(COLUMNS[:5]), float(crossed(row)[0]))
    drawn = attributed(crossed, row, background, float(crossed(row)[0]), orders=60)
    assert exact.exact
    assert not drawn.exact
    for key, share in drawn.shares.items():
        expected = exact.shares[key].value if key in exact.shares else 0.0
        assert abs(share.value - expected) <= 4 * share.error + 1e-9
    assert max(share.error for share in drawn.shares.values()) > 0
    assert attributed(crossed, row, background, float(crossed(row)[0]), orders=60) == drawn, "the same question has the same answer"


def test_columns_that_the_background_lacks_stay_the_rows() -> None:
    row, background = rows(1, 4, 1), rows(20, 4).select("c0", "c2")
    told = attributed(linear, row, background, float(linear(row)[0]))
    assert set(told.shares) == {"c0", "c2"}
    assert told.base == pytest.approx(float(2 * row["c1"][0] + 4 * row["c3"][0] + background["c0"].mean() + 3 * background["c2"].mean()))


def test_an_explanation_that_does_not_add_up_has_failed() -> None:
    row, background = rows(1, 3, 1), rows(20, 3)
    said = float(linear(row)[0])
    assert "misses the answer" in attributed(linear, row, background, said + 0.1).failed
    assert "not finite" in attributed(lambda frame: linear(frame) * math.nan, row, background, said).failed
