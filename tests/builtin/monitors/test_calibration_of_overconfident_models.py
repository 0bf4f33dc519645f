"""Drift of calibration, where probabilities are far from what comes true and where hardly anything does: the promise on false alarms holds there too."""

from __future__ import annotations

from math import sqrt

import numpy as np
import polars as pl
import pytest
from tests.builtin.monitors.living import CONTRACT, OUTPUT

from mlforge.builtin.monitors.calibration_drift import CalibrationDrift
from mlforge.task import TASKS
from mlforge.window import Profile, Window


def asked(count: int, seed: int, *, middle: float, surer: float, turned: float = 0.0) -> Window:
    """Rows whose odds are spread about a middle; the model says odds that are so many times as large, and some labels are turned around."""
    random = np.random.default_rng(seed)
    odds = random.normal(middle, 1.2, count)
    said = 1 / (1 + np.exp(-surer * odds))
    yes = (random.random(count) < 1 / (1 + np.exp(-odds))) ^ (random.random(count) < turned)
    rows = pl.DataFrame({"bought": np.where(yes, "yes", "no")})
    answers = pl.DataFrame({"prediction": np.where(said > 0.5, "yes", "no"), "probability_0": 1 - said, "probability_1": said})
    return Window("live", rows, CONTRACT, TASKS["classification"], OUTPUT, answers)


def alarms(monitor: CalibrationDrift, window: Window, reference: Profile) -> bool:
    return any(finding.severity != "info" for finding in monitor.findings(monitor.summarise(window), reference))


@pytest.mark.parametrize(("middle", "surer", "count"), [(-0.6, 2.0, 500), (-4.0, 1.0, 200), (-4.0, 2.0, 50), (4.0, 1.0, 200)])
def test_a_model_that_is_too_sure_or_hardly_ever_right_alarms_no_more_often_than_promised(middle: float, surer: float, count: int) -> None:
    """Twenty references, ten windows each: within the 99 % binomial bound. With variances of what was said, a third of the first kind's windows alarmed."""
    monitor, hits = CalibrationDrift(), 0
    for turn in range(20):
        reference = monitor.summarise(asked(4000, 1000 + turn, middle=middle, surer=surer))
        hits += sum(alarms(monitor, asked(count, 100_000 + 10 * turn + part, middle=middle, surer=surer), reference) for part in range(10))
    level = monitor.level
    assert hits <= 200 * level + 2.6 * sqrt(200 * level * (1 - level)), f"{hits} of 200 windows alarm, and {level:.2%} may"


@pytest.mark.parametrize(("middle", "surer", "turned"), [(-0.6, 2.0, 0.15), (-4.0, 1.0, 0.1), (4.0, 1.0, 0.1)])
def test_labels_that_are_turned_around_are_seen_all_the_same(middle: float, surer: float, turned: float) -> None:
    monitor = CalibrationDrift()
    reference = monitor.summarise(asked(4000, 1, middle=middle, surer=surer))
    hits = sum(alarms(monitor, asked(500, 50 + part, middle=middle, surer=surer, turned=turned), reference) for part in range(10))
    assert hits >= 9
