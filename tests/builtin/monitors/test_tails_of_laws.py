"""Chances without scipy, held against scipy."""

from __future__ import annotations

import numpy as np
import pytest

from mlforge.builtin.monitors.tails import chi_squared, clopper_pearson, gamma, kolmogorov, poisson

stats = pytest.importorskip("scipy.stats", reason="SciPy is not installed")


def test_chi_squared_is_scipys() -> None:
    value, degrees = np.array([0.1, 1, 10, 50, 150, 300, 700.0]), np.array([1, 2, 3, 40, 99, 99, 255.0])
    assert chi_squared(value, degrees) == pytest.approx(stats.chi2.sf(value, degrees), rel=1e-9, abs=1e-300)


def test_a_gamma_law_of_that_mean_and_variance_is_scipys() -> None:
    value, mean, variance = np.array([0.5, 4.0, 30.0]), np.array([1.0, 2.0, 10.0]), np.array([0.7, 1.0, 9.0])
    assert gamma(value, mean, variance) == pytest.approx(stats.gamma.sf(value, mean**2 / variance, scale=variance / mean), rel=1e-9)


@pytest.mark.parametrize("rows", [50, 100, 1000])
def test_kolmogorovs_law_is_near_the_exact_one_where_it_decides(rows: int) -> None:
    distance = np.linspace(0.9, 2.2, 8) / rows**0.5
    told = kolmogorov(distance, np.full(8, float(rows)), np.full(8, 1e9))
    assert told == pytest.approx(stats.kstwo.sf(distance, rows), rel=0.25)


def test_poissons_tail_is_scipys_where_it_is_unusual() -> None:
    count, mean = np.array([3.0, 8, 1, 0]), np.array([0.5, 2.0, 0.01, 3.0])
    assert poisson(count, mean) == pytest.approx(stats.poisson.sf(count - 1, mean), rel=1e-9)


@pytest.mark.parametrize(("hits", "trials"), [(0, 50), (3, 100), (50, 50), (60, 2000)])
def test_the_interval_of_a_share_is_exact(hits: int, trials: int) -> None:
    found = stats.binomtest(hits, trials).proportion_ci(0.95, method="exact")
    assert clopper_pearson(hits, trials, 0.95) == pytest.approx((found.low, found.high), abs=1e-9)
