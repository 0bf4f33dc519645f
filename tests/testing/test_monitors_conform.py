"""The built-in monitors keep their contracts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import polars as pl

from mlforge.builtin.monitors.attribution import Attribution
from mlforge.builtin.monitors.calibration_drift import CalibrationDrift
from mlforge.builtin.monitors.data_quality import DataQuality
from mlforge.builtin.monitors.drift import Drift
from mlforge.builtin.monitors.estimated_performance import EstimatedPerformance
from mlforge.builtin.monitors.fairness_drift import FairnessDrift
from mlforge.builtin.monitors.latency import Latency
from mlforge.builtin.monitors.multivariate import Multivariate
from mlforge.builtin.monitors.performance import Performance
from mlforge.builtin.monitors.prediction_drift import PredictionDrift
from mlforge.builtin.monitors.text_drift import TextDrift
from mlforge.builtin.monitors.traffic import Traffic
from mlforge.builtin.monitors.two_sample import TwoSample
from mlforge.testing import MonitorContract
from mlforge.window import FAILED, LATENCY, TIME, Window


class TestDrift(MonitorContract):
    component = Drift(detect="2sd within 100 rows")


class TestDriftByFalseDiscoveries(MonitorContract):
    component = Drift(columns=("age", "city"), correction="fdr", windows="hourly", false_alarms="2/day")


class TestPredictionDrift(MonitorContract):
    component = PredictionDrift()


class TestPredictionDriftOfValues(MonitorContract):
    component = PredictionDrift()
    task: ClassVar[str] = "regression"


class TestMultivariate(MonitorContract):
    component = Multivariate()


class TestTwoSample(MonitorContract):
    component = TwoSample()


class TestTextDrift(MonitorContract):
    component = TextDrift()


class TestDataQuality(MonitorContract):
    component = DataQuality()


class TestPerformance(MonitorContract):
    component = Performance()


class TestPerformanceOfValues(MonitorContract):
    component = Performance()
    task: ClassVar[str] = "regression"


class TestEstimatedPerformance(MonitorContract):
    component = EstimatedPerformance()


class TestEstimatedPerformanceOfValues(MonitorContract):
    component = EstimatedPerformance()
    task: ClassVar[str] = "regression"


class TestCalibrationDrift(MonitorContract):
    component = CalibrationDrift()


class TestFairnessDrift(MonitorContract):
    component = FairnessDrift()


class Timed(MonitorContract):
    """Rows as a request log has them."""

    def rows(self, rows: int) -> Window:
        seen = super().rows(rows)
        count = seen.rows.height
        times = pl.Series([datetime(2026, 11, 1, tzinfo=UTC) + timedelta(minutes=3 * i) for i in range(count)], dtype=pl.Datetime("us", "UTC"))
        took = pl.Series([0.001 * (1 + i % 50) for i in range(count)], dtype=pl.Float64)
        failed = pl.Series([i % 200 == 7 for i in range(count)], dtype=pl.Boolean)
        return replace(seen, rows=seen.rows.with_columns(times.alias(TIME), took.alias(LATENCY), failed.alias(FAILED)))


class TestLatency(Timed):
    component = Latency(p99=0.1)


class TestTraffic(Timed):
    component = Traffic(fewest=10, longest_gap=600)


class TestAttribution(MonitorContract):
    component = Attribution()

    def rows(self, rows: int) -> Window:
        seen = super().rows(rows)
        return replace(seen, predictions=model(seen.rows), predict=model)


def model(rows: pl.DataFrame) -> pl.DataFrame:
    """Says yes the more, the older."""
    said = 1 / (1 + (-(rows["age"].fill_null(50) - 50) / 10).exp()) if "age" in rows.columns else pl.Series([0.5] * len(rows), dtype=pl.Float64)
    answers = pl.select(pl.when(said > 0.5).then(pl.lit("yes")).otherwise(pl.lit("no"))).to_series()
    return pl.DataFrame({"prediction": answers, "probability_0": 1 - said, "probability_1": said}, schema_overrides={"prediction": pl.String})
