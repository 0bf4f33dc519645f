"""The sequential test keeps what it promises."""

from __future__ import annotations

from math import comb, exp, log

import numpy as np
import pytest

from mlforge.serving.rollout.odds import RATIOS, OddsTest, _ratios


def hypergeometric(new: int, old: int, events: int, odds: float) -> dict[int, float]:
    """Fisher's noncentral distribution of the newcomer's events, from its definition."""
    logs = {x: log(comb(new, x)) + log(comb(old, events - x)) + x * log(odds) for x in range(max(0, events - old), min(new, events) + 1)}
    top = max(logs.values())
    total = sum(exp(one - top) for one in logs.values())
    return {x: exp(one - top) / total for x, one in logs.items()}


def evidence(new: int, old: int, events: int, x: int, tolerated: float = 1.0) -> float:
    """Of one look."""
    test = OddsTest(1, tolerated)
    test.look(np.array([[[x, new]]]), np.array([[[events - x, old]]]))
    return exp(test.evidence)


@pytest.mark.parametrize(("new", "old", "events"), [(20, 380, 3), (20, 60, 40), (1, 5, 1), (300, 900, 700), (20, 20, 40)])
@pytest.mark.parametrize("tolerated", [1.0, 1.5])
def test_a_look_has_an_expectation_of_one_at_the_tolerated_odds_and_less_below(new: int, old: int, events: int, tolerated: float) -> None:
    def expected(odds: float) -> float:
        return sum(p * evidence(new, old, events, x, tolerated) for x, p in hypergeometric(new, old, events, odds).items())

    assert expected(tolerated) == pytest.approx(1.0, rel=1e-9)
    assert expected(tolerated / 2) <= 1.0 + 1e-9
    if 0 < events < new + old:
        assert expected(tolerated * 3) > 1.0


def test_the_likelihood_ratios_are_those_of_fishers_distribution() -> None:
    new, old = np.array([[7, 30], [0, 12]]), np.array([[9, 300], [5, 40]])
    found = _ratios(new, old, np.log([1.0, *RATIOS]))
    for row in range(2):
        events = int(new[row, 0] + old[row, 0])
        null = hypergeometric(new[row, 1], old[row, 1], events, 1.0)
        for column, ratio in enumerate(RATIOS):
            other = hypergeometric(new[row, 1], old[row, 1], events, ratio)
            assert found[row, column] == pytest.approx(log(other[new[row, 0]] / null[new[row, 0]]), rel=1e-9)


def test_large_counts_are_as_exact_as_small_ones() -> None:
    found = _ratios(np.array([[400, 2000]]), np.array([[600, 4000]]), np.log([1.0, 2.0]))
    null, other = (hypergeometric(2000, 4000, 1000, odds)[400] for odds in (1, 2))
    assert found[0, 0] == pytest.approx(log(other) - log(null), rel=1e-9)


def test_what_is_common_to_both_says_nothing() -> None:
    """An outage that takes everybody down is not the newcomer's."""
    test = OddsTest(1)
    for _ in range(50):
        test.look(np.array([[[20, 20]]]), np.array([[[380, 380]]]))
        test.look(np.array([[[0, 20]]]), np.array([[[0, 380]]]))
        test.look(np.array([[[5, 20]]]), np.array([[[0, 0]]]))
    assert test.evidence == 0.0


def test_strata_are_compared_with_themselves_only() -> None:
    """The newcomer gets more of a slow kind of request, and is no slower on either kind."""
    test = OddsTest(1)
    for _ in range(30):
        test.look(np.array([[[16, 20], [0, 2]]]), np.array([[[80, 100], [0, 1000]]]))
    assert test.evidence < 0
    pooled = OddsTest(1)
    for _ in range(30):
        pooled.look(np.array([[[16, 22]]]), np.array([[[80, 1100]]]))
    assert pooled.evidence > log(1000), "which the sum of both would not tell"


def test_a_later_start_sees_what_begins_later() -> None:
    early, again = OddsTest(1), OddsTest(1, starts=2)
    calm, bad = (np.array([[[2, 20]]]), np.array([[[38, 380]]])), (np.array([[[6, 20]]]), np.array([[[6, 60]]]))
    for test in (early, again):
        for _ in range(100):
            test.look(*calm)
        if test is again:
            test.start()
        for _ in range(6):
            test.look(*bad)
    assert again.evidence > early.evidence + 2
