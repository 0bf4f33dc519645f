"""Windows as they go wrong in practice, before every monitor: the right ones alarm, the others are quiet or say what is insufficient, and none fails."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite

import polars as pl
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

KINDS = (Drift, PredictionDrift, Multivariate, DataQuality, Performance, EstimatedPerformance, CalibrationDrift, FairnessDrift, Attribution)
FEATURES = ("age", "income", "visits", "city", "sex")
LABELS = {Performance, EstimatedPerformance, CalibrationDrift}
SPOILED: dict[str, tuple[Callable[[pl.DataFrame], pl.DataFrame], set[type], set[type]]] = {
    # what is done to the rows; who must alarm; who must not
    "empty": (lambda frame: frame.head(0), set(), set(KINDS)),
    "one row": (lambda frame: frame.head(1), set(), set(KINDS)),
    "all null": (
        lambda frame: frame.with_columns(pl.lit(None, dtype=dtype).alias(name) for name, dtype in frame.schema.items()), {Drift, DataQuality}, LABELS,
    ),
    "unit times 1000": (lambda frame: frame.with_columns(pl.col("income") * 1000), {Drift, PredictionDrift, Multivariate}, {DataQuality}),
    "a new category on every row": (
        lambda frame: frame.with_columns(pl.concat_str(pl.lit("new "), pl.int_range(pl.len())).alias("city")), {Drift, Multivariate}, {DataQuality},
    ),
    "a column is gone": (lambda frame: frame.drop("income"), {Drift, DataQuality}, set()),
    "labels contradict": (
        lambda frame: frame.with_columns(pl.when(pl.col("bought") == "yes").then(pl.lit("no")).otherwise(pl.lit("yes")).alias("bought")),
        LABELS, {Drift, PredictionDrift, Multivariate, DataQuality},
    ),
}  # fmt: skip


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: kind.__name__)
def watch(request: pytest.FixtureRequest) -> Watch:
    return Watch.over(request.param(), rows(2500, seed=1))


@pytest.mark.parametrize("spoiled", SPOILED)
def test_a_bad_window_gets_its_verdict_from_every_monitor(watch: Watch, spoiled: str) -> None:
    change, loud, quiet = SPOILED[spoiled]
    told = watch.told(change(rows(600, seed=9)), rejected={"age is missing": 600} if spoiled == "all null" else {})
    alarms = {name for name, finding in told.items() if finding.severity != "info"}
    kind = type(watch.monitor)
    assert told, "whoever has nothing to say says so"
    assert alarms or kind not in loud, f"{kind.__name__} says {[finding.text for finding in told.values()][:4]}"
    assert not alarms or kind not in quiet, [told[name].text for name in alarms]
    for finding in told.values():
        assert finding.value is None or isfinite(finding.value), finding
        assert finding.value is not None or finding.text, f"{finding.name} has no value, and no word on why"


def test_a_window_of_nobody_says_that_it_is_insufficient(watch: Watch) -> None:
    for count in (0, 1):
        told = watch.told(rows(600, seed=9).head(count))
        assert any(finding.value is None and finding.text for finding in told.values()) or type(watch.monitor) is DataQuality, count
