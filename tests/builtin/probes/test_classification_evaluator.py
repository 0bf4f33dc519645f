from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.builtin.probes.windows import classes_window, findings_of

from mlforge.builtin.probes.classification import Classification
from mlforge.contract import Contract
from mlforge.finding import Finding
from mlforge.task import TASKS
from mlforge.window import Profile

QUICK = Classification(resamples=200)
CLASSES = ("a", "b", "c", "d")


def scores(rows: int, classes: int, seed: int, ties: bool) -> tuple[np.ndarray, np.ndarray]:
    """Class ids and probabilities that know something about them; rounded to make ties."""
    draw = np.random.default_rng(seed)
    target = draw.integers(0, classes, rows)
    logits = draw.normal(size=(rows, classes)) + 1.2 * np.eye(classes)[target]
    if ties:
        logits = logits.round(0)
    return target, np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_two_classes_are_measured_as_by_scikit_learn(ties: bool, weighted: bool, seed: int) -> None:
    from sklearn import metrics

    target, probability = scores(400, 2, seed, ties)
    score, predicted = probability[:, 1], probability.argmax(axis=1)
    weight = np.random.default_rng(seed).uniform(0, 3, len(target)) if weighted else None
    found = findings_of(QUICK, classes_window(target, probability, weight=weight))
    expected = {
        "roc_auc": metrics.roc_auc_score(target, score, sample_weight=weight),
        "pr_auc": metrics.average_precision_score(target, score, sample_weight=weight),
        "log_loss": metrics.log_loss(target, probability, sample_weight=weight),
        "brier": metrics.brier_score_loss(target, score, sample_weight=weight),
        "accuracy": metrics.accuracy_score(target, predicted, sample_weight=weight),
        "balanced_accuracy": metrics.balanced_accuracy_score(target, predicted, sample_weight=weight),
        "f1": metrics.f1_score(target, predicted, sample_weight=weight),
        "precision": metrics.precision_score(target, predicted, sample_weight=weight),
        "recall": metrics.recall_score(target, predicted, sample_weight=weight),
    }
    assert {name: found[name].value for name in expected} == pytest.approx(expected, abs=1e-9)
    assert found["accuracy"].evidence["confusion"] == metrics.confusion_matrix(target, predicted).tolist()


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_more_classes_are_measured_as_by_scikit_learn(ties: bool, weighted: bool) -> None:
    from sklearn import metrics

    target, probability = scores(500, 4, 5, ties)
    predicted = probability.argmax(axis=1)
    weight = np.random.default_rng(5).uniform(0, 3, len(target)) if weighted else None
    found = findings_of(QUICK, classes_window(target, probability, CLASSES, weight))
    expected = {
        "roc_auc": metrics.roc_auc_score(target, probability, sample_weight=weight, multi_class="ovr", average="macro"),
        "pr_auc": metrics.average_precision_score(np.eye(4)[target], probability, sample_weight=weight, average="macro"),
        "log_loss": metrics.log_loss(target, probability, sample_weight=weight),
        "brier": metrics.brier_score_loss(target, probability, sample_weight=weight),
        "accuracy": metrics.accuracy_score(target, predicted, sample_weight=weight),
        "balanced_accuracy": metrics.balanced_accuracy_score(target, predicted, sample_weight=weight),
        "f1": metrics.f1_score(target, predicted, sample_weight=weight, average="macro"),
        "precision": metrics.precision_score(target, predicted, sample_weight=weight, average="macro", zero_division=0),
        "recall": metrics.recall_score(target, predicted, sample_weight=weight, average="macro"),
    }
    assert {name: found[name].value for name in expected} == pytest.approx(expected, abs=1e-9)


def test_a_class_that_is_never_predicted_has_precision_zero_in_the_mean() -> None:
    from sklearn import metrics

    target, probability = scores(200, 4, 6, False)
    predicted = np.where(probability.argmax(axis=1) == 2, 0, probability.argmax(axis=1))
    found = findings_of(QUICK, classes_window(target, probability, CLASSES, predicted=predicted))
    for name, score in (("precision", metrics.precision_score), ("f1", metrics.f1_score)):
        assert found[name].value == pytest.approx(score(target, predicted, average="macro", zero_division=0), abs=1e-9)


def test_calibration_error_is_the_mean_gap_over_fifteen_bins() -> None:
    target, probability = scores(300, 2, 7, False)
    score = probability[:, 1]
    expected = 0.0
    for b in range(15):
        member = (score > b / 15) & (score <= (b + 1) / 15)
        if member.any():
            expected += member.sum() / len(score) * abs(target[member].mean() - score[member].mean())
    finding = findings_of(QUICK, classes_window(target, probability))["ece"]
    assert finding.value == pytest.approx(expected, abs=1e-12)
    assert sum(b["rows"] for b in finding.evidence["bins"]) == 300
    assert finding.low is not None
    assert finding.low <= finding.value <= finding.high  # type: ignore[operator]


def test_every_finding_is_declared_and_names_its_interval() -> None:
    target, probability = scores(100, 2, 8, False)
    window = classes_window(target, probability)
    found = findings_of(QUICK, window, window)
    assert set(found) == {name for name in QUICK.declares(window.contract, window.task) if "*" not in name}
    for finding in found.values():
        assert finding.low <= finding.value + 1e-12 <= finding.high + 2e-12, finding.name  # type: ignore[operator]
        assert finding.interval.startswith("95 % ")
        assert finding.rows == 100
        assert finding.better in {"higher", "lower"}


def test_nothing_is_declared_for_another_task() -> None:
    assert list(QUICK.declares(Contract(columns={"x": {"dtype": "int"}}), TASKS["regression"])) == []


def without_value(found: dict[str, Finding]) -> set[str]:
    return {name for name, finding in found.items() if finding.value is None}


@pytest.mark.parametrize("only", [0, 1])
def test_one_class_in_the_window_has_no_curve_and_says_so(only: int) -> None:
    found = findings_of(QUICK, classes_window([only] * 20, np.linspace(0.1, 0.9, 20)))
    assert {"roc_auc", "pr_auc", "balanced_accuracy"} <= without_value(found)
    assert found["roc_auc"].text == "all 20 rows are of one class"
    assert found["log_loss"].value is not None
    assert all(finding.text for name, finding in found.items() if finding.value is None)


def test_one_row_has_values_but_no_resampled_interval() -> None:
    found = findings_of(QUICK, classes_window([1], [0.8]))
    assert found["log_loss"].value == pytest.approx(-math.log(0.8))
    assert found["log_loss"].low is None
    assert found["accuracy"].low == pytest.approx(0.2065, abs=1e-3)  # Wilson's interval holds for one trial


def test_constant_predictions_rank_nothing_and_have_no_precision() -> None:
    found = findings_of(QUICK, classes_window([0, 1] * 30, [0.3] * 60))
    assert found["roc_auc"].value == 0.5
    assert found["f1"].value == 0.0
    assert found["precision"].value is None
    assert found["precision"].text == "no row is predicted to be 'yes'"


def test_predictions_that_are_not_numbers_give_no_value_at_all() -> None:
    found = findings_of(QUICK, classes_window([0, 1, 0, 1], [0.1, float("nan"), 0.2, 0.9], predicted=[0, 1, 0, 1]))
    assert without_value(found) == set(found)
    assert found["roc_auc"].text == "1 of 4 predictions are not finite numbers"


def test_an_empty_window_has_no_values_and_changes_no_profile() -> None:
    target, probability = scores(50, 2, 9, True)
    empty, full = QUICK.summarise(classes_window([], np.zeros((0, 2)))), QUICK.summarise(classes_window(target, probability))
    assert all(finding.value is None for finding in QUICK.findings(empty, None))
    for merged in (QUICK.merge(empty, full), QUICK.merge(full, empty), QUICK.merge(Profile(), full), QUICK.merge(full, Profile())):
        assert list(QUICK.findings(merged, None)) == list(QUICK.findings(full, None))


def test_a_class_that_training_has_not_seen_counts_as_a_miss() -> None:
    found = findings_of(QUICK, classes_window([0, 1, 2], [0.1, 0.9, 0.9]))
    assert found["accuracy"].value == pytest.approx(2 / 3)
    assert found["accuracy"].evidence["unseen_class_rows"] == 1
    assert found["log_loss"].value == pytest.approx((-2 * math.log(0.9) + 52 * math.log(2)) / 3)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
def test_partitions_merge_in_any_order_and_grouping_to_the_same_findings(order: tuple[int, ...]) -> None:
    target, probability = scores(300, 2, 10, True)
    weight = np.random.default_rng(10).uniform(0.5, 2, 300)
    whole = QUICK.summarise(classes_window(target, probability, weight=weight))
    cuts = [slice(0, 40), slice(40, 41), slice(41, 300)]
    parts = [QUICK.summarise(classes_window(target[c], probability[c], weight=weight[c], rows=np.arange(300)[c])) for c in cuts]
    one, two, three = (parts[place] for place in order)
    for merged in (QUICK.merge(QUICK.merge(one, two), three), QUICK.merge(one, QUICK.merge(two, three))):
        assert list(QUICK.findings(merged, whole)) == list(QUICK.findings(whole, whole))


def test_a_model_has_no_gain_over_itself() -> None:
    window = classes_window(*scores(200, 2, 11, False))
    found = findings_of(QUICK, window, window)
    assert {(found[f"{name}/gain"].value, found[f"{name}/gain"].low, found[f"{name}/gain"].high) for name in ("roc_auc", "log_loss", "ece")} == {
        (0.0, 0.0, 0.0)
    }
    assert found["log_loss/gain"].evidence["p_value"] == 1.0


def test_a_gain_is_positive_when_the_candidate_is_better_whichever_direction_the_metric_has() -> None:
    target, good = scores(400, 2, 12, False)
    bad = (good + 1) / 3  # the same ranking drawn towards nothing …
    bad[:, 1] = 1 - bad[:, 0]
    noise = np.random.default_rng(12).permutation(400)[:100]
    bad[noise] = bad[noise][:, ::-1]  # … and wrong in places
    found = findings_of(QUICK, classes_window(target, good), classes_window(target, bad))
    for name in ("roc_auc", "log_loss", "brier", "accuracy"):
        assert found[f"{name}/gain"].value > 0  # type: ignore[operator]
        assert found[f"{name}/gain"].low > 0  # type: ignore[operator]
        assert found[f"{name}/gain"].evidence["p_value"] < 0.05


def test_pairing_is_tighter_than_comparing_two_intervals() -> None:
    target, probability = scores(400, 2, 13, False)
    other = np.clip(probability + np.random.default_rng(13).normal(0, 0.01, probability.shape), 1e-6, 1)
    found = findings_of(QUICK, classes_window(target, probability), classes_window(target, other / other.sum(axis=1, keepdims=True)))
    alone, gain = found["log_loss"], found["log_loss/gain"]
    assert gain.high - gain.low < 0.2 * (alone.high - alone.low)  # type: ignore[operator]


def test_a_gain_is_measured_on_the_rows_that_both_models_could_read() -> None:
    target, probability = scores(100, 2, 14, False)
    champion = classes_window(target[:60], probability[:60], rows=np.arange(60))
    found = findings_of(QUICK, classes_window(target, probability), champion)
    assert (found["log_loss"].rows, found["log_loss/gain"].rows, found["log_loss/gain"].value) == (100, 60, 0.0)


def test_intervals_cover_the_truth_as_often_as_they_say() -> None:
    """The AUC of two normal distributions one standard deviation apart is Φ(1/√2) = 0.760."""
    hits, draw = {"roc_auc": 0, "accuracy": 0}, np.random.default_rng(15)
    for number in range(400):
        target = draw.integers(0, 2, 150)
        score = 1 / (1 + np.exp(-(draw.normal(size=150) + target - 0.5)))
        found = findings_of(QUICK, classes_window(target, score, rows=np.arange(150) + 1000 * number))
        for name, truth in (("roc_auc", 0.76025), ("accuracy", 0.69146)):
            hits[name] += found[name].low <= truth <= found[name].high  # type: ignore[operator]
    assert min(hits.values()) >= 360  # 95 % of 400 is 380; below 360 has a probability under 1 in 1000
    assert max(hits.values()) < 400


def test_the_evaluator_imports_neither_scikit_learn_nor_torch() -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from tests.builtin.probes.windows import *;"
        "from mlforge.builtin.probes.classification import Classification;"
        "findings_of(Classification(resamples=200), classes_window([0, 1], [0.2, 0.7])); print({'sklearn', 'torch', 'scipy', 'pandas'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(Path(__file__).parents[3])], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_labels_may_come_back_as_another_type() -> None:
    """A bundle may give the text "1" for the class 1, and a column may be categorical."""
    window = classes_window([0, 1, 1], [0.2, 0.7, 0.6], classes=(0, 1))
    assert window.predictions is not None
    as_numbers = window.predictions.with_columns(pl.col("prediction").cast(pl.Int64))
    profile = QUICK.summarise(type(window)(window.name, window.rows, window.contract, window.task, window.output, as_numbers))
    assert {f.name: f.value for f in QUICK.findings(profile, None)}["accuracy"] == 1.0
