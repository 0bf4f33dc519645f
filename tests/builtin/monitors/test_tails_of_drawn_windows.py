"""How often a window alarms is counted where that is often, and read from the tail of p-values where it is rare."""

from __future__ import annotations

import numpy as np
import pytest

from mlforge.builtin.monitors.drawn import Drawn

HOURLY = 12 / (365.25 * 24)  # one a month


def windows(seed: int, *, times: float = 1.0, count: int = 8000) -> Drawn:
    """Of a test that alarms so many times as often as it says."""
    return Drawn(1000, np.minimum(np.random.default_rng(seed).random(count) / times, 1.0))


def test_a_rare_alarm_is_known_better_from_the_tail_than_by_counting() -> None:
    drawn = [windows(seed) for seed in range(60)]
    counted = [one.alarms(HOURLY) / one.windows for one in drawn]
    read = [one.rate(HOURLY) for one in drawn]
    assert all(one.read(HOURLY) for one in drawn)
    assert np.mean(read) == pytest.approx(HOURLY, rel=0.1)
    assert np.std(read) < 0.85 * np.std(counted)
    held = [one.interval(HOURLY)[0] <= HOURLY <= one.interval(HOURLY)[1] for one in drawn]
    assert sum(held) >= 57


def test_an_alarm_that_is_not_rare_is_counted() -> None:
    drawn = windows(1)
    assert not drawn.read(0.05)
    assert drawn.rate(0.05) == drawn.alarms(0.05) / drawn.windows


def test_a_test_that_alarms_too_often_is_seen_and_its_level_lowered() -> None:
    drawn = windows(2, times=3.0)
    assert drawn.interval(HOURLY)[0] > HOURLY
    assert drawn.level(HOURLY) == pytest.approx(HOURLY / 3, rel=0.35)
    assert drawn.rate(drawn.level(HOURLY)) == pytest.approx(HOURLY, rel=0.01)


def test_windows_that_never_come_near_an_alarm_are_counted_as_none() -> None:
    drawn = Drawn(1000, np.ones(1000))
    assert drawn.rate(HOURLY) == 0
    assert drawn.interval(HOURLY)[1] < 0.01


@pytest.mark.parametrize("level", [HOURLY, 0.033])
@pytest.mark.parametrize("times", [0.8, 1.05, 1.3, 3.0])
def test_what_is_told_of_false_alarms_is_never_more_than_was_promised(level: float, times: float) -> None:
    """Not by chance either: windows that alarm a little too often lower the level a little."""
    drawn = windows(3, times=times)
    factor = drawn.factor(level)
    assert drawn.rate(level * factor) <= level
    assert factor == 1.0 or drawn.rate(level) > level
