from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np
import polars as pl
import pytest

from mlforge.runtime.feed import feed


def one(values: object, kind: str, dtype: object = None) -> np.ndarray:
    return feed(pl.DataFrame({"c": pl.Series(values, dtype=dtype)}), {"c": kind})["c"]


def test_a_missing_number_is_nan():
    array = one([1, None, 3], "tensor(double)")
    assert array.shape == (3, 1)
    assert array.dtype == np.float64
    assert np.array_equal(array[:, 0], [1, np.nan, 3], equal_nan=True)


def test_an_integer_beyond_float32_keeps_every_digit():
    assert one([16_777_217], "tensor(double)")[0, 0] == 16_777_217


def test_a_bool_that_may_be_missing_is_a_number():
    assert np.array_equal(one([True, None, False], "tensor(double)")[:, 0], [1, np.nan, 0], equal_nan=True)


def test_a_bool_is_a_bool():
    array = one([True, False], "tensor(bool)")
    assert array.dtype == bool
    assert array[:, 0].tolist() == [True, False]


@pytest.mark.parametrize("dtype", [pl.String, pl.Categorical, pl.Enum(["a", "b"])])
def test_a_missing_string_is_empty(dtype):
    array = one(["a", None, "b"], "tensor(string)", dtype)
    assert array.dtype == object
    assert array[:, 0].tolist() == ["a", "", "b"]


def test_a_time_is_seconds_since_1970():
    moment = datetime(2026, 11, 22, 12, 0, 0, 500_000)
    assert one([moment], "tensor(double)")[0, 0] == moment.replace(tzinfo=UTC).timestamp()
    assert one([moment], "tensor(double)", pl.Datetime("ns"))[0, 0] == moment.replace(tzinfo=UTC).timestamp()
    assert one([date(1970, 1, 2), None], "tensor(double)")[:, 0].tolist()[0] == 86_400


def test_no_rows_make_empty_arrays():
    for kind, dtype in (("tensor(double)", pl.Int64), ("tensor(bool)", pl.Boolean), ("tensor(string)", pl.String)):
        assert one([], kind, dtype).shape == (0, 1)
