"""Windows of made-up predictions for tests of the evaluators."""

from __future__ import annotations

import numpy as np
import polars as pl

from mlforge.artifact import ROW
from mlforge.contract import Column, Contract
from mlforge.finding import Finding
from mlforge.task import TASKS, Output
from mlforge.window import Profile, Window


def classes_window(target, probability, classes=("no", "yes"), weight=None, predicted=None, rows=None) -> Window:
    """Rows of these class ids, for which a model gave these probabilities."""
    target, probability = np.asarray(target, dtype=int), np.asarray(probability, dtype=float)
    if probability.ndim == 1:
        probability = np.column_stack([1 - probability, probability])
    predicted = probability.argmax(axis=1) if predicted is None else np.asarray(predicted)
    labels = np.array([*classes, "never seen"], dtype=object)
    frame = pl.DataFrame({ROW: np.arange(len(target)) if rows is None else rows, "label": pl.Series(map(str, labels[target]), dtype=pl.String)})
    predictions = {"prediction": pl.Series(map(str, labels[predicted]), dtype=pl.String)}
    predictions |= {f"probability_{k}": probability[:, k] for k in range(len(classes))}
    output = Output("classes", "label", tuple(classes))
    return _window(frame, pl.DataFrame(predictions), "classification", output, Column(dtype="category", role="target"), weight)


def values_window(target, predicted, weight=None, unit=None) -> Window:
    """Rows of these values, for which a model gave these others."""
    frame = pl.DataFrame({ROW: np.arange(len(target)), "label": np.asarray(target, dtype=float)})
    predictions = pl.DataFrame({"prediction": np.asarray(predicted, dtype=float)})
    return _window(frame, predictions, "regression", Output("value", "label"), Column(dtype="float", role="target", unit=unit), weight)


def _window(frame, predictions, task, output, target, weight) -> Window:
    columns = {"label": target}
    if weight is not None:
        columns["exposure"] = Column(dtype="float", role="weight")
        frame = frame.with_columns(pl.Series("exposure", weight, dtype=pl.Float64))
    return Window("test", frame, Contract(columns=columns), TASKS[task], output, predictions)


def findings_of(probe, window: Window, champion: Window | None = None) -> dict[str, Finding]:
    """What the probe finds, by name."""
    reference: Profile | None = None if champion is None else probe.summarise(champion)
    return {finding.name: finding for finding in probe.findings(probe.summarise(window), reference)}
