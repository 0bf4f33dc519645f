from __future__ import annotations

import hashlib

import numpy as np
import pytest

from mlforge.builtin.probes.resampling import affordable, p_value, resamples, wilson


def drawn(rows: np.ndarray, count: int) -> np.ndarray:
    return np.concatenate(list(resamples(rows, count)), axis=1)


def test_weights_are_those_of_a_poisson_distribution_with_mean_one() -> None:
    weights = drawn(np.arange(2000), 400)
    assert weights.shape == (2000, 400)
    assert weights.mean() == pytest.approx(1, abs=0.005)
    assert weights.var() == pytest.approx(1, abs=0.01)
    assert (weights == 0).mean() == pytest.approx(np.exp(-1), abs=0.002)


def test_weights_of_neighbouring_rows_and_resamples_have_nothing_in_common() -> None:
    weights = drawn(np.arange(2000), 400) - 1
    assert abs(np.mean(weights[1:] * weights[:-1])) < 0.005
    assert abs(np.mean(weights[:, 1:] * weights[:, :-1])) < 0.005
    assert abs(np.mean(weights[:, 4:] * weights[:, :-4])) < 0.005


def test_a_row_has_the_same_weights_in_whichever_partition_it_is() -> None:
    whole = drawn(np.arange(1000), 200)
    assert np.array_equal(drawn(np.arange(990, 1000), 200), whole[990:])
    assert np.array_equal(drawn(np.arange(1000)[::-1], 200), whole[::-1])


def test_weights_are_the_same_on_every_machine() -> None:
    digest = hashlib.sha256(drawn(np.arange(100), 8).astype(np.uint8).tobytes()).hexdigest()
    assert digest.startswith("1b43fdae535798cf")


def test_many_rows_get_fewer_resamples() -> None:
    assert [affordable(rows, 1000) for rows in (1, 20_000, 40_000, 10**8)] == [1000, 1000, 500, 200]


def test_wilson_agrees_with_published_figures() -> None:
    """Newcombe 1998, table I: 81 of 263, 0 of 20, 29 of 29."""
    assert wilson(81 / 263, 263, 0.95) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0, 20, 0.95) == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert wilson(1, 29, 0.95) == pytest.approx((0.8830, 1.0), abs=5e-5)


def test_the_p_value_of_no_difference_is_one_and_never_zero() -> None:
    assert p_value(np.zeros(1000)) == 1.0
    assert p_value(np.ones(999)) == pytest.approx(0.002)
