from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from tests.builtin.probes.windows import findings_of

from mlforge.builtin.probes.labelled import Labelled, metrics
from mlforge.builtin.probes.measuring import Sample, Settings, measured
from mlforge.builtin.probes.multilabel import Multilabel
from mlforge.contract import Column, Contract
from mlforge.task import TASKS, Output
from mlforge.window import Window

QUICK = Multilabel(resamples=200, beta=2)
LABELS = ("red", "green", "blue")


def window(target: np.ndarray, probability: np.ndarray, weight: np.ndarray | None = None, labels: tuple[str, ...] = LABELS) -> Window:
    columns = {key: Column(dtype="bool", role="target") for key in labels}
    rows = pl.DataFrame({key: target[:, k].astype(bool) for k, key in enumerate(labels)})
    if weight is not None:
        columns["exposure"] = Column(dtype="float", role="weight")
        rows = rows.with_columns(exposure=pl.Series(weight))
    named = [" ".join(key for key, p in zip(labels, row, strict=True) if p >= 0.5) for row in probability.tolist()]
    said = pl.DataFrame({"prediction": pl.Series(named, dtype=pl.String), **{f"probability_{k}": probability[:, k] for k in range(len(labels))}})
    return Window("test", rows, Contract(columns=columns), TASKS["multilabel"], Output("labels", ", ".join(labels), labels), said)


def drawn(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels of different frequency, and scores with ties."""
    draw = np.random.default_rng(seed)
    target = draw.random((rows, 3)) < [0.6, 0.3, 0.1]
    return target, np.clip(0.35 * target + 0.65 * draw.random((rows, 3)), 0.001, 0.999).round(2)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("seed", [1, 2])
def test_labels_are_measured_as_by_scikit_learn(weighted: bool, seed: int) -> None:
    from sklearn import metrics

    target, probability = drawn(400, seed)
    weight = np.random.default_rng(seed).uniform(0, 3, 400) if weighted else None
    predicted, about = probability >= 0.5, {"sample_weight": weight}
    found = findings_of(QUICK, window(target, probability, weight))
    expected = {
        "roc_auc": metrics.roc_auc_score(target, probability, average="macro", **about),
        "roc_auc_micro": metrics.roc_auc_score(target, probability, average="micro", **about),
        "pr_auc": metrics.average_precision_score(target, probability, average="macro", **about),
        "pr_auc_micro": metrics.average_precision_score(target, probability, average="micro", **about),
        "f1": metrics.f1_score(target, predicted, average="macro", **about),
        "f1_micro": metrics.f1_score(target, predicted, average="micro", **about),
        "f_beta": metrics.fbeta_score(target, predicted, beta=2, average="macro", **about),
        "f_beta_micro": metrics.fbeta_score(target, predicted, beta=2, average="micro", **about),
        "precision": metrics.precision_score(target, predicted, average="macro", **about),
        "recall_micro": metrics.recall_score(target, predicted, average="micro", **about),
        "hamming_loss": metrics.hamming_loss(target, predicted, **about),
        "subset_accuracy": metrics.accuracy_score(target, predicted, **about),
        "log_loss": np.mean([metrics.log_loss(target[:, k], probability[:, k], **about) for k in range(3)]),
        "brier": np.mean([metrics.brier_score_loss(target[:, k], probability[:, k], **about) for k in range(3)]),
        "roc_auc/blue": metrics.roc_auc_score(target[:, 2], probability[:, 2], **about),
        "f1/green": metrics.f1_score(target[:, 1], predicted[:, 1], **about),
        "precision/red": metrics.precision_score(target[:, 0], predicted[:, 0], **about),
    }
    assert {name: found[name].value for name in expected} == pytest.approx(expected, abs=1e-9)


def test_every_finding_is_declared_and_holds_its_value() -> None:
    seen = window(*drawn(300, 3))
    found = findings_of(QUICK, seen, seen)
    assert set(found) == set(QUICK.declares(seen.contract, seen.task))
    assert all(one.low <= one.value <= one.high for one in found.values() if one.low is not None)  # type: ignore[operator]
    assert found["subset_accuracy"].interval == "95 % Wilson score"
    assert "roc_auc/gain" in found
    assert "roc_auc/blue/gain" not in found  # of single labels, no comparison


def test_the_interval_of_the_macro_area_covers_the_truth() -> None:
    """A nominal 95 % over draws of rows from one population of which the area is known, by the same ranking of very many rows."""
    from sklearn.metrics import roc_auc_score

    truth = roc_auc_score(*drawn(200_000, 0))
    metric = [one for one in metrics(LABELS) if one.name == "roc_auc"]
    ends = []
    for seed in range(100, 160):
        target, probability = drawn(300, seed)
        rows, weight = np.arange(300), np.ones(300)
        sample = Sample(Labelled(target, probability >= 0.5, probability), rows, weight, weight, 300)
        ends += measured(metric, sample, Settings(0.95, 200))
    covered = sum(one.low <= truth <= one.high for one in ends)  # type: ignore[operator]
    assert 51 <= covered <= 60  # 95 % of 60 is 57; fewer than 51 happens in one of 300 tries


def test_a_label_that_no_row_has_is_named_and_leaves_the_others_their_figures() -> None:
    target, probability = drawn(200, 5)
    target[:, 2] = False
    found = findings_of(QUICK, window(target, probability))
    assert found["roc_auc/blue"].value is None
    assert found["roc_auc/blue"].text == "blue is on all rows or on none"
    assert found["roc_auc"].value == pytest.approx((found["roc_auc/red"].value + found["roc_auc/green"].value) / 2)  # type: ignore[operator]


def test_one_row_and_predictions_that_are_no_numbers_are_told() -> None:
    one = findings_of(QUICK, window(np.array([[True, False, False]]), np.array([[0.9, 0.2, 0.1]])))
    assert (one["subset_accuracy"].value, one["roc_auc"].value, one["log_loss"].low) == (1.0, None, None)
    broken = findings_of(QUICK, window(*(part.astype(float) for part in (np.ones((2, 3)), np.full((2, 3), np.nan)))))
    assert {finding.value for finding in broken.values()} == {None}
