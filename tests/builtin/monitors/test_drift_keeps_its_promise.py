"""The monitor drift: how often it alarms without cause, what it sees, and what it says of a promise that cannot be kept."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from tests.builtin.monitors.living import CONTRACT, Watch, rows

from mlforge.builtin.monitors.drift import Drift
from mlforge.builtin.monitors.tails import clopper_pearson
from mlforge.errors import DataError
from mlforge.reference import pack


@pytest.fixture(scope="module")
def watch() -> Watch:
    return Watch.over(Drift(detect="0.3sd within 1000 rows"), rows(26_000, seed=1), calibrated=True)


@pytest.mark.parametrize("count", [100, 1000])
def test_windows_without_drift_alarm_no_more_often_than_promised(watch: Watch, count: int) -> None:
    windows = 250
    alarms = sum(bool(watch.alarms(rows(count, seed=1000 + turn))) for turn in range(windows))
    allowed = windows * watch.monitor.level  # type: ignore[attr-defined]
    assert alarms <= allowed + 2.6 * allowed**0.5


def test_a_shift_of_a_third_of_a_deviation_is_seen_in_a_thousand_rows(watch: Watch) -> None:
    seen = 0
    for turn in range(40):
        moved = rows(1000, seed=5000 + turn).with_columns(pl.col("age") + 5)
        alarms = watch.alarms(moved)
        seen += "drift/column/age" in alarms
    assert seen >= 38


def test_power_grows_with_the_rows(watch: Watch) -> None:
    found = [sum("drift/column/age" in watch.alarms(rows(n, seed=t).with_columns(pl.col("age") + 3.75)) for t in range(25)) for n in (100, 400, 1600)]
    assert found == sorted(found)
    assert found[-1] == 25


def test_what_was_achieved_is_told(watch: Watch) -> None:
    told = {finding.name: finding for finding in watch.calibration}
    achieved, seen = told["drift/false_alarms"], told["drift/detectable"]
    assert achieved.value is not None
    assert achieved.value <= 0.0329
    assert "drawn from the reference" in achieved.text
    assert seen.value is not None
    assert 0.1 <= seen.value <= 0.3
    assert seen.unit == "sd"


def test_a_promise_that_the_data_cannot_keep_is_refused_with_what_they_can() -> None:
    with pytest.raises(DataError) as refused:
        Watch.over(Drift(detect="0.1sd within 200 rows"), rows(3000, seed=1), calibrated=True)
    text = str(refused.value)
    assert "'0.1sd within 200 rows' cannot be promised" in text
    assert "3,000 rows of reference" in text
    assert "Ask for detect:" in text


def test_a_column_in_which_nothing_is_sure_to_be_seen_is_named_as_one_to_leave_out() -> None:
    """Hardly a value is there: no shift of what is there changes much, and there is no other figure to ask for."""
    hollow = rows(3000, seed=1).with_columns(pl.when(pl.int_range(pl.len()) % 50 == 0).then("income").alias("income"))
    with pytest.raises(DataError) as refused:
        Watch.over(Drift(detect="0.5sd within 500 rows"), hollow, calibrated=True)
    text = str(refused.value)
    assert "no shift of income is sure to be seen" in text
    assert "Allow more false alarms, or name in monitors.drift.columns those to watch, without income." in text


def test_few_rows_of_reference_promise_nothing_and_say_so() -> None:
    watch = Watch.over(Drift(), rows(50, seed=1), calibrated=True)
    assert all(finding.value is None and finding.text.startswith("insufficient") for finding in watch.calibration)


def test_a_drift_that_does_not_matter_is_no_alarm_however_sure_it_is() -> None:
    watch = Watch.over(Drift(columns=("age",)), rows(26_000, seed=1))
    told = watch.told(rows(200_000, seed=2).with_columns(pl.col("age") + 0.5))
    column = told["drift/column/age"]
    assert column.evidence["p_value"] < 1e-6
    assert column.severity == "info"
    assert told["drift/columns"].value == 0


@pytest.mark.parametrize(
    ("change", "column"),
    [
        (pl.col("income") * 1000, "income"),
        (pl.lit(None, dtype=pl.Float64).alias("income"), "income"),
        (pl.concat_str(pl.lit("new "), pl.int_range(pl.len())).alias("city"), "city"),
        (pl.when(pl.int_range(pl.len()) % 20 == 0).then(pl.lit("Paris")).otherwise(pl.col("city")).alias("city"), "city"),
        (pl.lit(float("inf")).alias("age"), "age"),
        (pl.col("visits") * 0, "visits"),
    ],
    ids=["unit", "all missing", "a new category on every row", "a new category on some", "infinite", "constant"],
)
def test_what_is_wrong_with_one_column_is_told_of_that_column(watch: Watch, change: pl.Expr, column: str) -> None:
    told = watch.told(rows(500, seed=9).with_columns(change))
    assert {name for name, finding in told.items() if finding.severity != "info"} == {"drift/columns", f"drift/column/{column}"}
    assert column in told["drift/columns"].text


def test_a_column_that_is_gone_is_missing_in_all_rows(watch: Watch) -> None:
    assert "drift/column/income" in watch.alarms(rows(500, seed=9).drop("income"))


def test_windows_merge_exactly_and_stay_small(watch: Watch) -> None:
    whole = rows(3000, seed=4)
    parts = [watch.summarise(part) for part in (whole[:10], whole[10:2000], whole[2000:])]
    merged = watch.monitor.merge(watch.monitor.merge(parts[2], parts[0]), parts[1])
    assert merged.tables["bins"].equals(watch.summarise(whole).tables["bins"])
    assert len(pack(watch.reference)) <= 64 * 1024 * len(CONTRACT.columns)
    assert len(pack(merged)) <= len(pack(watch.summarise(rows(100_000, seed=5)))) + 4096


def test_many_rows_take_no_more_room_than_few(watch: Watch) -> None:
    few, many = (sum(table.estimated_size() for table in watch.summarise(rows(n, seed=5)).tables.values()) for n in (1000, 200_000))
    assert many == few


def test_false_discoveries_are_an_own_correction() -> None:
    """With many drifted columns, more of them are named than by Holm; without any, the promise is the same."""
    random = np.random.default_rng(3)
    from mlforge.builtin.monitors.multiple_testing import adjusted

    p = random.uniform(size=(4000, 20))
    for correction in ("holm", "fdr"):
        hits = int((adjusted(p, correction) <= 0.05).any(axis=1).sum())  # type: ignore[arg-type]
        assert clopper_pearson(hits, 4000, 0.99)[0] <= 0.05
    p[:, :10] /= 100
    assert (adjusted(p, "fdr") <= 0.05).sum() > (adjusted(p, "holm") <= 0.05).sum()
