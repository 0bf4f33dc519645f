"""The monitor two_sample: rows that a classifier tells from training rows."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy import stats
from tests.builtin.monitors.living import Watch, rows, window

from mlforge.builtin.monitors.two_sample import TwoSample, _ranked
from mlforge.reference import pack

REFERENCE = Watch.over(TwoSample(), rows(4000, seed=1))


def test_the_p_value_is_that_of_mann_and_whitney() -> None:
    random = np.random.default_rng(0)
    one, other = random.integers(0, 30, 300).astype(float), random.integers(2, 32, 280).astype(float)
    area, p = _ranked(one, other)
    truth = stats.mannwhitneyu(other, one, alternative="greater", method="asymptotic")
    assert area == pytest.approx(truth.statistic / (300 * 280))
    assert p == pytest.approx(truth.pvalue, rel=1e-6)


def test_rows_as_before_are_not_told_apart() -> None:
    hits = sum(bool(REFERENCE.alarms(rows(600, seed=50 + turn))) for turn in range(6))
    assert hits <= 1


def test_columns_that_no_longer_go_together_are_seen_and_named() -> None:
    """Each column is distributed as before; age and income are exchanged among rows, in opposite order."""
    frame = rows(1000, seed=7)
    order = frame["income"].fill_null(0).arg_sort()
    ages = np.empty(frame.height)
    ages[order.to_numpy()] = np.sort(frame["age"].to_numpy())[::-1]
    told = REFERENCE.told(frame.with_columns(pl.Series("age", ages)))["two_sample/auc"]
    assert told.severity == "warning"
    assert set(told.evidence["columns"]) == {"age", "income"}
    assert "told from training rows" in told.text


def test_one_column_that_moved_is_named_first_a_category_too() -> None:
    frame = rows(1000, seed=8)
    moved = REFERENCE.told(frame.with_columns(pl.col("age") + 15))["two_sample/auc"]
    assert moved.evidence["columns"][0] == "age"
    new = REFERENCE.told(frame.with_columns(city=pl.when(pl.int_range(pl.len()) % 3 == 0).then(pl.lit("Paris")).otherwise("city")))["two_sample/auc"]
    assert new.evidence["columns"] == ["city"]


def test_bad_windows_say_why_they_tell_nothing() -> None:
    few = REFERENCE.told(rows(10, seed=3))["two_sample/auc"]
    assert (few.value, few.severity) == (None, "info")
    assert "insufficient: 10 rows" in few.text
    gone = REFERENCE.told(rows(500, seed=4).drop("age"))["two_sample/auc"]
    assert gone.evidence["columns"] == ["age"]
    without = next(iter(TwoSample().findings(REFERENCE.summarise(rows(100)), None)))
    assert "not at hand" in without.text


def test_rows_in_portions_are_the_rows_as_a_whole_and_no_row_goes_with_the_version() -> None:
    monitor = TwoSample(rows=300)
    frame = rows(900, seed=5).with_row_index("__row__").with_columns(pl.col("__row__").cast(pl.Int64))
    parts = [monitor.summarise(window(frame[start : start + 300])) for start in (0, 300, 600)]
    whole = monitor.summarise(window(frame))
    merged = monitor.merge(monitor.merge(parts[0], parts[1]), parts[2])
    assert merged.tables["sample"].equals(whole.tables["sample"])
    calibrated, findings = monitor.calibrate(whole, window(frame), 0)
    assert pack(calibrated) == b""
    assert findings[0].name == "two_sample/false_alarms"
    assert (findings[0].low or 0) <= monitor.level
