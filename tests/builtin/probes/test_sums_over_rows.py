from __future__ import annotations

import numpy as np
import pytest

from mlforge.builtin.probes.sums import mean, totals


@pytest.mark.parametrize("groups", [1, 2, 8, 9, 40])
def test_totals_are_those_of_a_plain_loop(groups: int) -> None:
    draw = np.random.default_rng(groups)
    group, weights = draw.integers(-1, groups, 50), draw.uniform(size=(50, 3))
    expected = np.array([weights[group == g].sum(axis=0) for g in range(groups)])
    assert totals(group, groups, weights) == pytest.approx(expected)


@pytest.mark.parametrize("groups", [3, 20])
def test_no_rows_or_only_rows_of_no_group_weigh_nothing(groups: int) -> None:
    assert not totals(np.full(4, -1), groups, np.ones((4, 2))).any()
    assert not totals(np.zeros(0, dtype=int), groups, np.ones((0, 2))).any()


def test_a_mean_is_weighted_and_undefined_without_weight() -> None:
    means = mean(np.array([1.0, 4.0]), np.array([[1.0, 3.0, 0.0], [1.0, 1.0, 0.0]]))
    assert means == pytest.approx([2.5, 1.75, np.nan], nan_ok=True)
