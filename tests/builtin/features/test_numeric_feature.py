from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from tests.builtin.features.front_of import fitted, said

from mlforge.builtin.features.numeric import Numeric
from mlforge.contract import Contract
from mlforge.lifecycle.bundling.front import front

INT, FLOAT, MAYBE = {"dtype": "int"}, {"dtype": "float"}, {"dtype": "float", "nullable": True}


def test_values_are_standardised_by_the_training_rows(tmp_path):
    fitting = fitted(Numeric(), pl.DataFrame({"a": [1, 2, 3, 4]}), a=INT)
    got = said(tmp_path, fitting, pl.DataFrame({"a": [1, 10]}))
    assert got.dtype == np.float32
    assert got[:, 0] == pytest.approx((np.array([1, 10]) - 2.5) / np.std([1, 2, 3, 4]))


@pytest.mark.parametrize(("impute", "fill"), [("median", 2.0), ("mean", 4.0)])
def test_a_missing_value_is_filled_and_marked(tmp_path, impute, fill):
    values = [1.0, 2.0, 9.0, None]
    fitting = fitted(Numeric(impute=impute, scale="none"), pl.DataFrame({"a": values}), a=MAYBE)
    assert fitting[0].width == 2
    assert said(tmp_path, fitting, pl.DataFrame({"a": [None, 5.0]}, schema={"a": pl.Float64})).tolist() == [[fill, 1.0], [5.0, 0.0]]


def test_a_nullable_column_is_marked_even_where_training_has_no_missing_value(tmp_path):
    fitting = fitted(Numeric(), pl.DataFrame({"a": [1.0, 3.0]}), a=MAYBE)
    assert said(tmp_path, fitting, pl.DataFrame({"a": [None, 3.0]}))[:, 1].tolist() == [1.0, 0.0]


def test_marks_can_be_left_out():
    assert fitted(Numeric(indicate=False), pl.DataFrame({"a": [1.0, None]}), a=MAYBE)[0].width == 1


def test_bools_count_as_numbers_also_where_they_may_be_missing(tmp_path):
    rows = pl.DataFrame({"a": [True, False], "b": [True, None]})
    fitting = fitted(Numeric(scale="none"), rows, a={"dtype": "bool"}, b={"dtype": "bool", "nullable": True})
    assert said(tmp_path, fitting, rows).tolist() == [[1, 1, 0], [0, 1, 1]]


def test_a_constant_column_becomes_zeros(tmp_path):
    fitting = fitted(Numeric(), pl.DataFrame({"a": [0.1, 0.1, 0.1]}), a=FLOAT)
    assert said(tmp_path, fitting, pl.DataFrame({"a": [0.1]}))[0, 0] == pytest.approx(0, abs=1e-6)


def test_a_column_without_any_value_becomes_zeros_and_marks(tmp_path):
    rows = pl.DataFrame({"a": [None, None]}, schema={"a": pl.Float64})
    assert said(tmp_path, fitted(Numeric(), rows, a=MAYBE), rows).tolist() == [[0, 1], [0, 1]]


def test_integers_beyond_float32_are_told_apart(tmp_path):
    base = 10**15
    rows = pl.DataFrame({"a": [base, base + 1, base + 2]})
    got = said(tmp_path, fitted(Numeric(), rows, a=INT), rows)[:, 0]
    assert got == pytest.approx(np.array([-1, 0, 1]) / np.std([0, 1, 2]))


def test_whatever_a_double_can_hold_stays_finite(tmp_path):
    fitting = fitted(Numeric(), pl.DataFrame({"a": [1.0, 2.0]}), a=FLOAT)
    assert np.isfinite(said(tmp_path, fitting, pl.DataFrame({"a": [1e308, -1e308]}))).all()


def test_only_features_of_its_types_are_taken():
    roles = {role: {"dtype": "int", "role": role} for role in ("id", "time", "group", "weight", "protected", "ignore")}
    columns = {"a": INT, "b": {"dtype": "category"}, "c": {"dtype": "bool"}, "d": {"dtype": "text"}, **roles, "y": {"dtype": "int", "role": "target"}}
    contract = Contract.model_validate({"columns": columns})
    assert Numeric().takes(contract) == ("a", "c")
    assert Numeric(columns=("c", "y")).takes(contract) == ("c",)


def test_the_same_rows_give_the_same_bytes_however_many_columns_fit_in_memory(monkeypatch):
    rows = pl.DataFrame({f"c{i}": np.random.default_rng(i).normal(size=100) for i in range(7)})
    columns = dict.fromkeys(rows.columns, FLOAT)
    whole = front([fitted(Numeric(), rows, **columns)[0]], Contract.model_validate({"columns": columns})).SerializeToString(deterministic=True)
    monkeypatch.setattr("mlforge.builtin.features.numeric._CELLS", 250)  # two columns at a time
    assert front([fitted(Numeric(), rows, **columns)[0]], Contract.model_validate({"columns": columns})).SerializeToString(deterministic=True) == whole


def test_the_robust_scale_is_not_moved_by_outliers(tmp_path):
    values = np.random.default_rng(1).normal(10, 2, 10_000)
    rows = pl.DataFrame({"a": np.append(values, [1e9] * 100)})
    got = said(tmp_path, fitted(Numeric(scale="robust"), rows, a=FLOAT), rows)[:10_000, 0]
    assert (got.mean(), got.std()) == (pytest.approx(0, abs=0.05), pytest.approx(1, abs=0.05))
    mostly = pl.DataFrame({"a": [0.0] * 9 + [10.0]})  # the quartiles are one value
    assert said(tmp_path, fitted(Numeric(scale="robust"), mostly, a=FLOAT), mostly)[:, 0] == pytest.approx([0] * 9 + [10 / 3])


def test_the_quantile_scale_makes_long_tails_normal_and_keeps_the_order(tmp_path):
    values = np.sort(np.random.default_rng(1).lognormal(0, 4, 20_000))
    rows = pl.DataFrame({"a": values, "b": [5.0] * 20_000, "c": [0.0] * 15_000 + [1.0] * 5_000})
    fitting = fitted(Numeric(scale="quantile"), rows, a=FLOAT, b=FLOAT, c=FLOAT)
    a, b, c = said(tmp_path, fitting, rows).T
    assert (a.mean(), a.std()) == (pytest.approx(0, abs=0.02), pytest.approx(1, abs=0.03))
    assert (np.diff(a) >= 0).all()
    assert not b.any()
    assert c[0] < 0 < c[-1]
    far = said(tmp_path, fitting, pl.DataFrame({"a": [-1e308, 1e308], "b": [-1e308, 1e308], "c": [-1e308, 1e308]}))
    assert far[:, 0].tolist() == [a.min(), a.max()]
    assert np.isfinite(far).all()


def test_the_quantile_scale_marks_what_is_missing_also_where_all_is(tmp_path):
    rows = pl.DataFrame({"a": [1.0, 2.0, 3.0, None], "b": [None] * 4}, schema={"a": pl.Float64, "b": pl.Float64})
    got = said(tmp_path, fitted(Numeric(scale="quantile"), rows, a=MAYBE, b=MAYBE), rows)
    assert got[:, 2:].tolist() == [[0, 1], [0, 1], [0, 1], [1, 1]]
    assert got[3, 0] == got[1, 0]
    assert not got[:, 1].any()
