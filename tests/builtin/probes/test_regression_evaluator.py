from __future__ import annotations

import numpy as np
import pytest
from tests.builtin.probes.windows import findings_of, values_window

from mlforge.builtin.probes.regression import Regression

QUICK = Regression(resamples=200)


def values(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    target = draw.normal(1e6, 3, rows)  # far from zero, where a careless variance cancels out
    return target, target + draw.normal(0.5, 2, rows)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("seed", [1, 2])
def test_values_are_measured_as_by_scikit_learn(weighted: bool, seed: int) -> None:
    from sklearn import metrics

    target, predicted = values(300, seed)
    weight = np.random.default_rng(seed).uniform(0, 3, 300) if weighted else None
    found = findings_of(QUICK, values_window(target, predicted, weight))
    expected = {
        "mae": metrics.mean_absolute_error(target, predicted, sample_weight=weight),
        "rmse": metrics.root_mean_squared_error(target, predicted, sample_weight=weight),
        "r2": metrics.r2_score(target, predicted, sample_weight=weight),
        "mape": metrics.mean_absolute_percentage_error(target, predicted, sample_weight=weight),
        "bias": np.average(predicted - target, weights=weight),
    }
    assert {name: found[name].value for name in expected} == pytest.approx(expected, abs=1e-9)


def test_every_finding_is_declared_holds_its_value_and_carries_the_unit() -> None:
    window = values_window(*values(100, 3), unit="EUR")
    found = findings_of(QUICK, window, window)
    assert set(found) == set(QUICK.declares(window.contract, window.task))
    assert "bias/gain" not in found  # neither direction of a bias is the better one
    assert all(finding.low <= finding.value <= finding.high and finding.interval for finding in found.values())  # type: ignore[operator]
    assert (found["rmse"].unit, found["r2"].unit) == ("EUR", "")


def test_a_target_of_zero_has_no_percentage_error() -> None:
    found = findings_of(QUICK, values_window([0, 1, 2], [0.1, 1.0, 2.0]))
    assert found["mape"].value is None
    assert found["mape"].text == "a share of the target is undefined where it is 0, as in 1 rows"
    assert found["mae"].value == pytest.approx(0.1 / 3)


def test_a_constant_target_or_a_single_row_has_nothing_to_explain() -> None:
    assert findings_of(QUICK, values_window([2, 2, 2], [1, 2, 3]))["r2"].text == "all targets are equal, so there is nothing to explain"
    one = findings_of(QUICK, values_window([2], [1]))
    assert (one["r2"].value, one["mae"].value, one["mae"].low) == (None, 1.0, None)


def test_an_infinite_prediction_gives_no_value() -> None:
    found = findings_of(QUICK, values_window([1, 2], [1, float("inf")]))
    assert {finding.value for finding in found.values()} == {None}


def test_partitions_merge_to_the_findings_of_the_whole() -> None:
    target, predicted = values(60, 4)
    whole = QUICK.summarise(values_window(target, predicted))
    window = values_window(target, predicted)
    assert window.predictions is not None
    parts = [type(window)("test", window.rows[c], window.contract, window.task, window.output, window.predictions[c]) for c in (slice(0, 7), slice(7, 60))]
    one, two = (QUICK.summarise(part) for part in parts)
    assert list(QUICK.findings(QUICK.merge(two, one), None)) == list(QUICK.findings(whole, None))


def test_a_better_model_has_a_positive_gain_in_every_direction() -> None:
    target, predicted = values(300, 5)
    found = findings_of(QUICK, values_window(target, (predicted + 3 * target) / 4), values_window(target, predicted))
    for name in ("mae", "rmse", "r2", "mape"):
        assert found[f"{name}/gain"].low > 0  # type: ignore[operator]
        assert found[f"{name}/gain"].evidence["p_value"] == pytest.approx(2 / 201)
