"""Measures that a recipe asks for: F-beta, costs, single classes and quantiles; and intervals where resampling has nothing to draw from."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics
from tests.builtin.probes.windows import classes_window, findings_of, values_window

from mlforge.builtin.probes.classification import Classification
from mlforge.builtin.probes.regression import Regression

ASKED = Classification(resamples=200, beta=2.0, costs={"false_alarm": 1, "miss": 5})


@st.composite
def rows(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Targets, scores with many ties, and weights, some of them nothing."""
    size = draw(st.integers(2, 40))
    target = np.array(draw(st.lists(st.integers(0, 1), min_size=size, max_size=size)))
    score = np.array(draw(st.lists(st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.5001, 0.9, 1.0]), min_size=size, max_size=size)))
    weight = np.array(draw(st.lists(st.sampled_from([0.0, 0.5, 1.0, 3.0]), min_size=size, max_size=size)))
    return target, score, weight


@given(rows=rows())
@settings(max_examples=60, deadline=None)
def test_whatever_the_rows_the_measures_are_scikit_learns(rows: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    target, score, weight = rows
    found = findings_of(ASKED, classes_window(target, score, weight=weight))
    predicted = (score > 0.5).astype(int)
    if not weight.sum():
        assert {finding.value for finding in found.values()} == {None}
        return
    assert found["accuracy"].value == pytest.approx(metrics.accuracy_score(target, predicted, sample_weight=weight), abs=1e-9)
    if weight[target == 1].sum() and weight[target == 0].sum():
        assert found["roc_auc"].value == pytest.approx(metrics.roc_auc_score(target, score, sample_weight=weight), abs=1e-9)
        assert found["pr_auc"].value == pytest.approx(metrics.average_precision_score(target, score, sample_weight=weight), abs=1e-9)
        expected = metrics.fbeta_score(target, predicted, beta=2, sample_weight=weight, zero_division=0)
        assert found["f_beta"].value == pytest.approx(expected, abs=1e-9)
    else:
        assert found["roc_auc"].value is None
        assert found["roc_auc"].text
    for name, finding in found.items():
        assert finding.low is None or finding.low - 1e-9 <= finding.value <= finding.high + 1e-9, name


def test_the_cheapest_threshold_is_the_one_that_trying_all_finds() -> None:
    draw = np.random.default_rng(3)
    target = draw.integers(0, 2, 300)
    score, weight = draw.normal(0.4 + 0.2 * target, 0.2).clip(0.01, 0.99).round(2), draw.uniform(0, 2, 300)
    found = findings_of(ASKED, classes_window(target, score, weight=weight))

    def cost(threshold: float) -> float:
        called = score >= threshold
        return float((weight * (5 * (target & ~called) + (1 - target) * called)).sum() / weight.sum())

    tried = {threshold: cost(threshold) for threshold in [*np.unique(score), 2.0]}
    best = found["cheapest_threshold"]
    assert best.evidence["cost"] == pytest.approx(min(tried.values()), abs=1e-9)
    assert tried[best.value] == pytest.approx(min(tried.values()), abs=1e-9)  # type: ignore[index]
    assert best.evidence["if_calibrated"] == pytest.approx(1 / 6)
    assert found["cost"].value == pytest.approx(cost(0.5001), abs=1e-9)
    assert "goes on deciding as it does" in best.text
    assert best.low <= best.value <= best.high  # type: ignore[operator]


def test_costs_of_several_classes_are_refused_with_a_reason() -> None:
    found = findings_of(ASKED, classes_window([0, 1, 2, 2], np.full((4, 3), 1 / 3), ("a", "b", "c")))
    for name in ("cost", "cheapest_threshold"):
        assert (found[name].value, found[name].text) == (None, "false alarms and misses are errors of two classes, and there are 3")


def test_every_class_has_its_recall_and_precision() -> None:
    draw = np.random.default_rng(5)
    target = draw.integers(0, 4, 400)
    probability = draw.dirichlet(np.ones(4), 400) + 0.4 * np.eye(4)[target]
    labels, weight = ("a", "b b", "c/d", "e"), draw.uniform(0.1, 2, 400)
    window = classes_window(target, probability / probability.sum(axis=1, keepdims=True), labels, weight)
    found = findings_of(ASKED, window, window)
    predicted = probability.argmax(axis=1)
    recall = metrics.recall_score(target, predicted, average=None, sample_weight=weight)
    precision = metrics.precision_score(target, predicted, average=None, sample_weight=weight)
    for k, name in enumerate(("a", "b_b", "c|d", "e")):
        assert found[f"recall/{name}"].value == pytest.approx(recall[k], abs=1e-9)
        assert found[f"precision/{name}"].value == pytest.approx(precision[k], abs=1e-9)
        assert found[f"recall/{name}"].interval == "95 % Wilson score"
        assert f"recall/{name}/gain" not in found


def test_classes_whose_names_become_the_same_are_told_apart() -> None:
    found = findings_of(ASKED, classes_window([0, 1, 2], np.eye(3), ("a b", "a_b", "c")))
    assert {"recall/a_b~0", "recall/a_b~1", "recall/c"} <= set(found)


@pytest.mark.parametrize(("positives", "low"), [(10, 0.6915), (40, 0.9119)])
def test_a_perfect_ranking_is_not_certain(positives: int, low: float) -> None:
    """Resampling gives [1, 1]; the bound is (0.025)^(1/n), as Clopper and Pearson's for n of n."""
    target = np.arange(100) < positives
    found = findings_of(ASKED, classes_window(target.astype(int), np.where(target, 0.9, 0.1)))
    for name in ("roc_auc", "pr_auc", "f1", "f_beta", "balanced_accuracy"):
        assert (found[name].value, found[name].high) == (1.0, 1.0)
        assert found[name].low == pytest.approx(low, abs=1e-4)
        assert found[name].interval == f"95 % Clopper–Pearson over the {positives} rows of the smallest class"


@pytest.mark.parametrize("quantile", [0.1, 0.5, 0.95])
def test_a_pinball_loss_is_scikit_learns(quantile: float) -> None:
    draw = np.random.default_rng(7)
    target, weight = draw.normal(size=200), draw.uniform(0, 2, 200)
    predicted = target + draw.normal(size=200)
    found = findings_of(Regression(resamples=200, quantiles=(quantile,)), values_window(target, predicted, weight, unit="EUR"))[f"pinball/{quantile:g}"]
    assert found.value == pytest.approx(metrics.mean_pinball_loss(target, predicted, alpha=quantile, sample_weight=weight), abs=1e-9)
    assert (found.better, found.unit) == ("lower", "EUR")
    assert found.low <= found.value <= found.high  # type: ignore[operator]


def test_measures_are_torchmetrics_too() -> None:
    torchmetrics = pytest.importorskip("torchmetrics.functional.classification")
    import torch

    draw = np.random.default_rng(9)
    target = draw.integers(0, 2, 500)
    score = draw.normal(0.4 + 0.2 * target, 0.3).clip(0.001, 0.999).astype(np.float64)
    found = findings_of(ASKED, classes_window(target, score))
    said, true = torch.tensor(score), torch.tensor(target)
    expected = {
        "roc_auc": torchmetrics.binary_auroc(said, true), "pr_auc": torchmetrics.binary_average_precision(said, true),
        "f_beta": torchmetrics.binary_fbeta_score(said, true, beta=2.0), "ece": torchmetrics.binary_calibration_error(said, true, n_bins=15, norm="l1"),
    }  # fmt: skip
    assert {name: found[name].value for name in expected} == pytest.approx({name: float(value) for name, value in expected.items()}, abs=1e-6)


@pytest.mark.parametrize("weighted", [False, True])
def test_intervals_hold_the_truth_as_often_as_they_say(weighted: bool) -> None:
    """Of 400 samples of 120 rows; the truth is measured on a million. 90 to 98 % of 400, with the scatter of so many tries."""
    draw = np.random.default_rng(11)

    def sample(rows: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        target = (draw.random(rows) < 0.4).astype(int)
        return target, 1 / (1 + np.exp(-(draw.normal(size=rows) + 1.2 * target - 0.6))), draw.uniform(0.5, 1.5, rows) if weighted else np.ones(rows)

    target, score, weight = sample(400_000)
    names = ("roc_auc", "pr_auc", "log_loss", "brier", "f1", "f_beta", "precision", "recall", "cost", "balanced_accuracy")
    whole = findings_of(ASKED, classes_window(target, score, weight=weight))
    truth, held = {name: whole[name].value for name in names}, dict.fromkeys(names, 0)
    for number in range(400):
        target, score, weight = sample(120)
        found = findings_of(ASKED, classes_window(target, score, weight=weight, rows=np.arange(120) + 1000 * number))
        for name in names:
            held[name] += found[name].low <= truth[name] <= found[name].high  # type: ignore[operator]
    assert {name: count / 400 for name, count in held.items() if not 352 <= count <= 396} == {}, held


def test_true_and_predicted_values_of_some_rows_are_kept_for_the_picture() -> None:
    target = np.random.default_rng(13).normal(size=5000)
    points = findings_of(Regression(resamples=200), values_window(target, target + 1))["r2"].evidence["scatter"]
    assert len(points) == 300
    assert all(predicted - true == pytest.approx(1, abs=1e-4) for true, predicted in points)
