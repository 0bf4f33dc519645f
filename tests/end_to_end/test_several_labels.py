"""A model of labels that do not exclude each other, from a file to predictions."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest

from mlforge.store import Store
from mlforge.testing.project import TestProject

RECIPE = """
    # Say which of three things hold for a row.
    mlforge: 1
    defaults:
      - lifecycle
      - source: csv
      - split: stratified
      - model: linear
      - trainer: lightning
      - exporters: [onnx]
      - evaluators: [multilabel, slices, segments, errors, importance, shap]
      - gates: [thresholds, baseline]
      - _self_
    name: tags
    task: multilabel
    source: {path: tags.csv}
    contract:
      columns:
        x0: {dtype: float}
        x1: {dtype: float}
        kind: {dtype: category, role: protected}
        red: {dtype: bool, role: target}
        green: {dtype: bool, role: target}
        blue: {dtype: bool, role: target}
    trainer: {max_epochs: 30, lr: 0.05}
    evaluators:
      slices: {columns: [kind]}
      importance: {rows: 50}
      shap: {rows: 5}
    gates:
      thresholds:
        rules:
          all: {finding: test/roc_auc, min: 0.9}
          blue: {finding: test/f1/blue, min: 0.6}
"""


@pytest.fixture
def tags(project: TestProject) -> TestProject:
    draw = np.random.default_rng(4)
    x = draw.normal(size=(600, 2))
    wanted = np.column_stack([x[:, 0] > 0, x[:, 1] > 0, x.sum(axis=1) > 0.5]) ^ (draw.random((600, 3)) < 0.03)
    rows = {"x0": x[:, 0], "x1": x[:, 1], "kind": draw.choice(["a", "b"], 600), "red": wanted[:, 0], "green": wanted[:, 1], "blue": wanted[:, 2]}
    pl.DataFrame(rows).write_csv(project.root / "tags.csv")
    return project.write(tags=RECIPE)


def test_several_labels_are_learned_judged_and_predicted_by_name(tags: TestProject) -> None:
    run = tags.run("run", "tags")
    assert run.code == 0, run.text
    pl.DataFrame({"x0": [3.0, -3.0, -3.0], "x1": [3.0, 3.0, -3.0]}).write_csv(tags.root / "new.csv")
    said = tags.run("predict", "tags", "--source", "new.csv", "--sink", "said.csv")
    assert said.code == 0, said.text
    told = pl.read_csv(tags.root / "said.csv")
    assert told["prediction"].to_list() == ["red green blue", "green", ""]
    assert {"probability_red", "probability_green", "probability_blue"} < set(told.columns)
    page = next((tags.root / ".mlforge" / "runs").rglob("report.md")).read_text(encoding="utf-8")
    assert "The model gets every label right for " in page
    with Store.open(None, tags.root / ".mlforge") as store:
        stages = store.records.runs()[0].stages
        found = {(one.name, one.subject): one.value for stage in stages for one in store.records.findings(stage.key)}
    assert found["parity/agreement", "candidate"] == 1.0
    assert found["test/slices/worst/accuracy", "candidate"] > 0.5
    assert found["test/errors/worst", "candidate"] > 0
    assert found["test/shap/additivity", "candidate"] < 1e-3
    assert {("test/shap/x0", "candidate"), ("test/segments/found", "candidate")} <= set(found)
    assert found["test/log_loss", "candidate"] < 0.6 * found["test/log_loss", "baseline"]
    why = tags.run("explain", "tags", "--row", '{"x0": 3, "x1": -3}', "--json")
    assert why.code == 0, why.text
    assert json.loads(why.out)[0]["explains"] == "the probability of red"


def test_what_does_not_suit_several_labels_is_told_before_anything_runs(tags: TestProject) -> None:
    told = tags.run("check", "tags", "evaluators=[classification]", "contract.columns.blue.nullable=true", "contract.columns.red.dtype=category")
    assert told.code == 2
    assert "classification measures nothing for multilabel" in told.text
    assert "a label that is not known can be neither learned nor judged" in told.text
    assert "contract.columns.red.dtype" in told.text


def test_a_label_that_no_row_has_is_an_error_about_the_data(tags: TestProject) -> None:
    pl.read_csv(tags.root / "tags.csv").with_columns(blue=pl.lit(False)).write_csv(tags.root / "tags.csv")
    told = tags.run("run", "tags")
    assert told.code == 3
    assert "contract.columns.blue: no training row has this label" in told.text
