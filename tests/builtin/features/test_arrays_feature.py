from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from tests.builtin.features.front_of import fitted, said

from mlforge.builtin.features.arrays import Arrays

PAIR, MAYBE = {"dtype": "array[float, 2]"}, {"dtype": "array[float, 2]", "nullable": True}


def rows(*values: list[float] | None) -> pl.DataFrame:
    return pl.DataFrame({"a": values}, schema={"a": pl.Array(pl.Float64, 2)})


def test_each_place_is_standardised_by_itself_and_a_constant_one_is_zero(tmp_path):
    fitting = fitted(Arrays(), rows([1, 7], [3, 7]), a=PAIR)
    assert said(tmp_path, fitting, rows([1, 7], [5, 8])).tolist() == [[-1, 0], [3, 1]]


def test_a_missing_array_is_an_average_one_and_marked_once(tmp_path):
    fitting = fitted(Arrays(scale="none"), rows([1, 7], [3, 7], None), a=MAYBE)
    assert said(tmp_path, fitting, rows(None, [1, 2])).tolist() == [[2, 7, 1], [1, 2, 0]]


def test_moments_merged_over_batches_are_those_of_all_rows(tmp_path, monkeypatch):
    values = np.random.default_rng(1).normal(1e6, 3, (1000, 2))
    frame = rows(*values.tolist())
    monkeypatch.setattr("mlforge.builtin.features.arrays._CELLS", 130)
    got = said(tmp_path, fitted(Arrays(), frame, a=PAIR), frame)
    assert got == pytest.approx((values - values.mean(axis=0)) / values.std(axis=0), abs=1e-5)


def test_no_rows_and_rows_of_a_slice(tmp_path):
    fitting = fitted(Arrays(scale="none"), rows([1, 7], [3, 7]), a=PAIR)
    assert said(tmp_path, fitting, rows([1, 7]).head(0)).shape == (0, 2)
    assert said(tmp_path, fitting, rows([1, 7], [3, 8], [5, 9])[1:2]).tolist() == [[3, 8]]
