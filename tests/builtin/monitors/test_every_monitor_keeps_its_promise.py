"""False alarms of every monitor that promises how often it alarms, over windows in which nothing has drifted."""

from __future__ import annotations

from math import sqrt

import pytest
from tests.builtin.monitors.living import Watch, rows

from mlforge.builtin.monitors.attribution import Attribution
from mlforge.builtin.monitors.calibration_drift import CalibrationDrift
from mlforge.builtin.monitors.data_quality import DataQuality
from mlforge.builtin.monitors.drift import Drift
from mlforge.builtin.monitors.estimated_performance import EstimatedPerformance
from mlforge.builtin.monitors.fairness_drift import FairnessDrift
from mlforge.builtin.monitors.multivariate import Multivariate
from mlforge.builtin.monitors.performance import Performance
from mlforge.builtin.monitors.prediction_drift import PredictionDrift
from mlforge.builtin.monitors.promise import Promise
from mlforge.builtin.monitors.two_sample import TwoSample

KINDS = (TwoSample, Drift, PredictionDrift, Multivariate, DataQuality, Performance, EstimatedPerformance, CalibrationDrift, FairnessDrift, Attribution)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [200, 1000])
def test_windows_without_drift_alarm_no_more_often_than_promised(kind: type[Promise], count: int) -> None:
    """Forty references, ten windows each: within the 99 % binomial bound of one false alarm a month with daily windows."""
    hits, level = 0, kind().level
    for turn in range(40):
        watch = Watch.over(kind(), rows(4000, seed=10_000 + turn))
        hits += sum(bool(watch.alarms(rows(count, seed=100_000 + 10 * turn + part))) for part in range(10))
    assert hits <= 400 * level + 2.6 * sqrt(400 * level * (1 - level)), f"{hits} of 400 windows alarm, and {level:.2%} may"
