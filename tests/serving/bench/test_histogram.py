"""Percentiles of a histogram are those of the numbers, within the width of a bucket."""

from __future__ import annotations

import numpy as np
import pytest

from mlforge.serving.bench.histogram import Histogram

SHARES = (0.0, 0.01, 0.5, 0.9, 0.99, 0.999, 1.0)


@pytest.mark.parametrize("shape", ["lognormal", "two_humps", "whole_microseconds", "few"])
def test_percentiles_are_numpys_within_the_width_of_a_bucket(shape: str) -> None:
    random = np.random.default_rng(7)
    times = {
        "lognormal": random.lognormal(-6, 1.5, 50_021),
        "two_humps": np.concatenate([random.normal(1e-3, 1e-5, 9_900), random.normal(0.3, 1e-3, 100)]),
        "whole_microseconds": random.integers(1, 256, 5_000) / 1e6,
        "few": np.array([0.004, 0.001, 2.5]),
    }[shape]
    found = np.array(Histogram(times).percentiles(SHARES))
    true = np.percentile(times, [100 * share for share in SHARES], method="inverted_cdf")
    assert (found >= true - 1e-9).all()
    assert (found <= true * (1 + 1 / 128) + 2e-6).all()


def test_the_last_percentile_is_the_longest_exactly_and_none_is_longer() -> None:
    histogram = Histogram([0.5, 0.123456789, 7.654321])
    assert histogram.percentile(1.0) == histogram.longest == 7.654321
    assert histogram.percentile(0.999) == 7.654321


def test_it_bears_nothing_zero_and_days() -> None:
    assert Histogram().percentile(0.5) is None
    assert Histogram([0.0]).percentile(0.5) == 0.0
    assert Histogram([0.001, 200_000.0]).percentile(1.0) == 200_000.0


def test_memory_does_not_grow_with_what_is_counted() -> None:
    histogram = Histogram()
    size = len(histogram._counts)
    for one in np.random.default_rng(1).lognormal(0, 3, 20_000):
        histogram.add(float(one))
    assert len(histogram._counts) == size < 4096
    assert histogram.count == 20_000
