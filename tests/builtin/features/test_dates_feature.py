from __future__ import annotations

from datetime import datetime

import numpy as np
import polars as pl
import pytest
from tests.builtin.features.front_of import fitted, said

from mlforge.builtin.features.dates import Dates

TIME = {"dtype": "datetime"}
PARTS = ("year", "month", "day", "weekday", "hour")


def times(*values: datetime | None) -> pl.DataFrame:
    return pl.DataFrame({"t": values}, schema={"t": pl.Datetime("us")})


def test_the_calendar_of_the_graph_is_that_of_polars_over_four_centuries(tmp_path):
    rows = times(*pl.datetime_range(datetime(1799, 12, 31), datetime(2201, 1, 1), "37h13m7s", eager=True))
    got = said(tmp_path, fitted(Dates(parts=PARTS, cyclic=False), rows, t=TIME), rows)
    for i, part in enumerate(PARTS):
        values = getattr(rows["t"].dt, part)().cast(pl.Float64).to_numpy() - (part == "weekday")
        assert got[:, i] == pytest.approx((values - values.mean()) / values.std(), abs=1e-6), part


def test_parts_that_come_round_again_are_points_on_a_circle(tmp_path):
    rows = times(datetime(2024, 1, 1), datetime(2024, 4, 1), datetime(2024, 12, 1))
    january, april, december = said(tmp_path, fitted(Dates(parts=("month",)), rows, t=TIME), rows)
    assert january == pytest.approx([0, 1], abs=1e-6)
    assert april == pytest.approx([1, 0], abs=1e-6)
    assert np.linalg.norm(december - january) < np.linalg.norm(april - january)


def test_an_age_is_counted_from_the_latest_training_row_in_days(tmp_path):
    rows = times(datetime(2024, 1, 1), datetime(2024, 1, 11))
    fitting = fitted(Dates(parts=("age",)), rows, t=TIME)
    ages = said(tmp_path, fitting, times(datetime(2024, 1, 11), datetime(2024, 1, 1), datetime(2024, 1, 21)))[:, 0] * 5 + 5
    assert ages == pytest.approx([0, 10, -10], abs=1e-5)


def test_a_missing_time_counts_as_the_middle_one_and_is_marked(tmp_path):
    rows = times(datetime(2020, 5, 5), datetime(2021, 6, 6, 7), datetime(2024, 1, 1), None)
    fitting = fitted(Dates(), rows, t={**TIME, "nullable": True})
    missing, middle = said(tmp_path, fitting, times(None, datetime(2021, 6, 6, 7)))
    assert fitting[0].width == len(missing)
    assert missing[:-1] == pytest.approx(middle[:-1])
    assert (missing[-1], middle[-1]) == (1, 0)


def test_dates_far_out_stay_finite_and_no_rows_are_no_rows(tmp_path):
    rows = times(datetime(2024, 1, 1), datetime(2024, 1, 2))
    fitting = fitted(Dates(), rows, t=TIME)
    far = pl.DataFrame({"t": pl.Series([-(2**62), 2**62]).cast(pl.Datetime("us"))})
    assert np.isfinite(said(tmp_path, fitting, far)).all()
    assert said(tmp_path, fitting, rows.head(0)).shape == (0, fitting[0].width)


def test_training_without_any_time_is_fitted(tmp_path):
    rows = times(None, None)
    fitting = fitted(Dates(), rows, t={**TIME, "nullable": True})
    assert np.isfinite(said(tmp_path, fitting, times(None, datetime(2024, 1, 1)))).all()
