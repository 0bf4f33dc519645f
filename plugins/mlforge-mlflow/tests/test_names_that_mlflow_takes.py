"""Findings, curves and recipes as metrics and params: under legal names, and no two under one."""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path

import polars as pl
import pytest

if importlib.util.find_spec("mlforge_mlflow") is None:
    pytest.skip("needs mlforge-mlflow: pip install -e plugins/mlforge-mlflow", allow_module_level=True)

from mlforge import secrets
from mlforge.finding import Finding
from mlforge_mlflow.figures import curves, figures, legal, params


def test_names_of_findings_become_legal_and_stay_apart() -> None:
    found = list(figures([Finding(name="test/>50K/recall", value=0.5), Finding(name="test/≥50K/recall", value=0.6), Finding(name="test/größe", value=1.0)]))
    assert found == [("test/_50K/recall", 0.5, 0), ("test/_50K/recall_2", 0.6, 0), ("test/gr__e", 1.0, 0)]


def test_every_name_is_one_that_mlflow_accepts() -> None:
    validation = pytest.importorskip("mlflow.utils.validation", reason="needs mlflow")
    for name in ("a/../b", "/a//b/", "..", "a:b", "x" * 400, "tab\tand\nline", "percent %", "", "ü"):
        validation._validate_metric_name(legal(name))
    taken: set[str] = set()
    for _ in range(12):
        validation._validate_metric_name(legal("y" * 400, taken))
    assert len(taken) == 12


def test_other_subjects_and_variants_stand_before_the_name_and_what_has_no_value_is_left_out() -> None:
    findings = [
        Finding(name="auc", value=0.9, low=0.8, high=None, variant="onnx"),
        Finding(name="auc", value=0.7, variant="onnx_int8"),
        Finding(name="auc", value=0.6, subject="champion"),
        Finding(name="lost", value=None, text="could not be measured"),
    ]
    assert [name for name, _, _ in figures(findings, ships="onnx")] == ["auc", "auc.low", "onnx_int8/auc", "champion/auc"]


def test_a_curve_has_its_epochs_as_steps_without_those_at_which_it_diverged(tmp_path: Path) -> None:
    path = tmp_path / "curves.parquet"
    pl.DataFrame({"epoch": [1, 2, 3], "name": ["train/loss"] * 3, "value": [0.5, math.nan, 0.25]}).write_parquet(path)
    assert list(curves(path)) == [("train/loss", 0.5, 1), ("train/loss", 0.25, 3)]
    assert list(curves(tmp_path / "none.parquet")) == []


def test_a_recipe_is_flat_and_masked_and_its_contract_is_left_to_the_files() -> None:
    secrets.remember("hunter22")
    try:
        plain = {
            "seed": 0,
            "contract": {"columns": {"x": {"dtype": "int"}}},
            "source": {"uri": "db://u:hunter22@h"},
            "gates": {"t": {"rules": {}}},
            "on": [1, True],
        }
        assert params(plain) == {"seed": "0", "source.uri": "db://u:•••@h", "gates.t.rules": "{}", "on": "[1, true]"}
    finally:
        secrets.forget()
    assert len(params({f"k{i}": "v" * 9000 for i in range(900)})["k0"]) == 6000
    assert len(params({f"k{i}": i for i in range(900)})) == 500
