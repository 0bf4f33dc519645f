"""What a model is worth on live rows: measured where labels are there, estimated where they are not, and withheld where neither can be trusted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.builtin.monitors.living import Watch, answers, rows

from mlforge.builtin.monitors.attribution import Attribution
from mlforge.builtin.monitors.calibration_drift import CalibrationDrift
from mlforge.builtin.monitors.data_quality import DataQuality
from mlforge.builtin.monitors.estimated_performance import EstimatedPerformance
from mlforge.builtin.monitors.fairness_drift import FairnessDrift
from mlforge.builtin.monitors.multivariate import Multivariate
from mlforge.builtin.monitors.performance import Performance
from mlforge.builtin.monitors.prediction_drift import PredictionDrift

DATA = Path(__file__).parents[3] / "../shared/data"


def flipped(frame: pl.DataFrame, share: float, seed: int = 0) -> pl.DataFrame:
    """Labels that contradict what was learned."""
    chosen = pl.Series(np.random.default_rng(seed).random(frame.height) < share)
    return frame.with_columns(
        pl.when(chosen & (pl.col("bought") == "yes")).then(pl.lit("no")).when(chosen).then(pl.lit("yes")).otherwise("bought").alias("bought")
    )


def older(frame: pl.DataFrame, count: int, seed: int) -> pl.DataFrame:
    """A window with more old people: covariate shift, by resampling."""
    weight = np.exp((frame["age"].to_numpy() - 48) / 15)
    return frame[np.random.default_rng(seed).choice(frame.height, count, p=weight / weight.sum())]


def test_accuracy_without_labels_is_what_labels_say_later() -> None:
    watch, pool = Watch.over(EstimatedPerformance()), rows(40_000, seed=2)
    errors, covered = [], []
    for turn in range(40):
        live = older(pool, 1000, turn)
        told = watch.told(live.drop("bought"))["estimated/accuracy"]
        true = float((answers(live)["prediction"] == live["bought"]).mean())
        assert told.value is not None
        assert told.low is not None
        assert told.high is not None
        errors.append(abs(told.value - true))
        covered.append(told.low <= true <= told.high)
    assert np.mean(errors) <= 0.02
    assert np.mean(covered) >= 0.85


def test_labels_that_contradict_withdraw_the_estimate_and_are_an_alarm() -> None:
    watch = Watch.over(EstimatedPerformance())
    live = flipped(rows(1000, seed=3), 0.5)
    some = live.with_columns(pl.when(pl.int_range(pl.len()) % 5 == 0).then("bought").alias("bought"))
    told = watch.told(some)
    assert told["estimated/accuracy"].value is None
    assert "labels no longer follow" in told["estimated/accuracy"].text
    assert told["estimated/accuracy"].severity == "warning"
    assert not [one for one in watch.told(rows(1000, seed=4)).values() if one.severity != "info"]


@pytest.mark.parametrize("why", ["rows", "contract", "reference"])
def test_an_estimate_is_withheld_with_the_reason(why: str) -> None:
    watch = Watch.over(EstimatedPerformance(), rows(100, seed=1) if why == "reference" else None)
    live = rows(10 if why == "rows" else 500, seed=5)
    told = watch.told(live, **({"rejected": {"age 4000 is above 120": 400}} if why == "contract" else {}))["estimated/accuracy"]
    assert told.value is None
    assert {"rows": "insufficient", "contract": "break the contract", "reference": "labels of reference"}[why] in told.text


def test_measured_performance_has_intervals_and_alarms_when_it_is_worse() -> None:
    watch = Watch.over(Performance())
    good, bad = watch.told(rows(1000, seed=6)), watch.told(flipped(rows(1000, seed=6), 0.2))
    accuracy = good["performance/accuracy"]
    assert accuracy.low is not None
    assert accuracy.value is not None
    assert accuracy.high is not None
    assert accuracy.low < accuracy.value < accuracy.high
    assert not [one for one in good.values() if one.severity != "info"]
    assert {"performance/accuracy", "performance/log_loss"} == {name for name, one in bad.items() if one.severity != "info"}


def test_labels_that_come_later_join_their_window() -> None:
    watch, live = Watch.over(Performance()), rows(600, seed=7)
    late = live.with_columns(pl.when(pl.int_range(pl.len()) < 300).then("bought").alias("bought"))
    assert watch.told(late)["performance/labelled"].value == 0.5
    merged = watch.monitor.merge(watch.summarise(live[:300]), watch.summarise(live[300:]))
    told = {one.name: one for one in watch.monitor.findings(merged, watch.reference)}
    assert told["performance/accuracy"].value == pytest.approx(watch.told(live)["performance/accuracy"].value)


def test_probabilities_that_come_true_less_often_are_calibration_drift() -> None:
    watch = Watch.over(CalibrationDrift())
    assert not watch.alarms(rows(1000, seed=8))
    rarer = rows(1000, seed=8).with_columns(pl.when(pl.int_range(pl.len()) % 3 == 0).then(pl.lit("no")).otherwise("bought").alias("bought"))
    told = watch.told(rarer)["calibration/drift"]
    assert told.severity == "warning"
    assert "less often" in told.text


def test_groups_that_move_apart_are_fairness_drift() -> None:
    watch = Watch.over(FairnessDrift())
    assert not watch.alarms(rows(2000, seed=19))
    live = rows(2000, seed=19)
    older_men = live.with_columns(pl.when(pl.col("sex") == "m").then(pl.col("age") + 12).otherwise("age").alias("age"))
    told = watch.told(older_men)["fairness/sex/selection_rate_gap"]
    assert told.severity == "warning"
    assert "has moved by" in told.text


def test_answers_that_are_distributed_otherwise_are_prediction_drift() -> None:
    watch = Watch.over(PredictionDrift())
    assert not watch.alarms(rows(1000, seed=10))
    assert "prediction_drift/columns" in watch.alarms(rows(1000, seed=10).with_columns(pl.col("age") + 6))


def test_columns_that_no_longer_go_together_are_seen_though_each_looks_as_before() -> None:
    random = np.random.default_rng(4)

    def linked(count: int) -> pl.DataFrame:
        age = random.normal(48, 15, count)
        return rows(count, seed=11).with_columns(pl.Series("age", age), pl.Series("income", 1000 * age + random.normal(0, 2000, count)))

    watch = Watch.over(Multivariate(), linked(4000), calibrated=True)
    assert not watch.alarms(linked(1000))
    assert watch.alarms(linked(1000).with_columns(pl.col("age").shuffle(seed=1))) == {"multivariate/distance"}


def test_a_column_that_counts_for_more_is_told() -> None:
    watch, live = Watch.over(Attribution()), rows(1000, seed=12)
    assert not watch.alarms(live)

    def other(frame: pl.DataFrame) -> pl.DataFrame:
        return answers(frame.with_columns(((pl.col("income").fill_null(22_026.0).log() - 10) * 6).exp().alias("income") * 22_026.0))

    told = watch.told(live, predict=other, predictions=other(live))
    assert told["attribution/columns"].severity == "warning"
    assert "income" in told["attribution/columns"].text


def test_rows_that_break_the_contract_alarm_beyond_the_share_that_may() -> None:
    watch, live = Watch.over(DataQuality()), rows(1000, seed=13)
    assert not watch.alarms(live)
    assert not watch.alarms(live, rejected={"age 130 is above 120": 5})
    told = watch.told(live, rejected={"age 130 is above 120": 80, "city is missing": 20})["quality/rejected"]
    assert told.severity == "warning"
    assert "10.0% of 1,000 rows break the contract: age 130 is above 120 (80)" in told.text
    assert watch.told(live, rejected={"age 48000 is above 120": 1000})["quality/rejected"].severity == "critical"


@pytest.mark.slow
@pytest.mark.skipif(not DATA.is_dir(), reason="the data folder ../shared/data is not there")
def test_estimates_on_adult_under_planted_drifts_are_as_the_benchmark_says() -> None:
    import subprocess
    import sys

    script = Path(__file__).parents[3] / "benchmarks/estimates.py"
    done = subprocess.run([sys.executable, str(script), str(DATA), "2"], capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
