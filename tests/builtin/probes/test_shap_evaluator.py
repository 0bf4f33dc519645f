"""What each column adds to predictions: right for a linear model, silent where the explanation failed, and drawn in the report."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from mlforge.artifact import ROW
from mlforge.builtin.probes.shap import Shap
from mlforge.contract import Column, Contract
from mlforge.explaining.background import FILE, Background
from mlforge.finding import Finding
from mlforge.report.charts import charts
from mlforge.task import TASKS, Output
from mlforge.window import Window

COLUMNS = {key: Column(dtype="float") for key in "abc"}
CONTRACT = Contract(columns={**COLUMNS, "mail": Column(dtype="string", pii="email"), "label": Column(dtype="float", role="target")})


def model(rows: pl.DataFrame) -> pl.DataFrame:
    return pl.DataFrame({"prediction": 3 * rows["a"] - rows["b"]})


def window(folder: Path, rows: int = 400) -> Window:
    draw = np.random.default_rng(0)
    frame = pl.DataFrame({ROW: np.arange(rows), **{key: draw.normal(size=rows) for key in "abc"}, "mail": ["x@y.org"] * rows, "label": draw.normal(size=rows)})
    (folder / FILE).write_text(Background.of(frame, CONTRACT).model_dump_json())
    return Window("test", frame, CONTRACT, TASKS["regression"], Output("value", "label"), model(frame), model, folder)


def found(probe: Shap, seen: Window, cuts: list[int] | None = None) -> dict[str, Finding]:
    assert seen.predictions is not None
    edges = [0, *sorted(cuts or []), len(seen.rows)]
    parts = [replace(seen, rows=seen.rows[a:b], predictions=seen.predictions[a:b]) for a, b in pairwise(edges)]
    return {finding.name: finding for finding in probe.findings(reduce(probe.merge, map(probe.summarise, parts)), None)}


def test_a_linear_models_columns_move_it_by_weight_times_distance(tmp_path: Path) -> None:
    seen = window(tmp_path)
    told = found(Shap(rows=400), seen)
    assert list(told) == ["shap/additivity", "shap/a", "shap/b", "shap/c"]
    made = Background.of(seen.rows, CONTRACT).rows(32, dict(seen.rows.schema))
    assert told["shap/a"].value == pytest.approx(float((3 * (seen.rows["a"] - made["a"].mean())).abs().mean()), rel=1e-6)
    assert told["shap/c"].value == pytest.approx(0, abs=1e-9)
    assert told["shap/additivity"].value < 1e-9
    assert set(told) <= set(Shap().declares(CONTRACT, TASKS["regression"]))


def test_where_the_parts_do_not_add_up_no_column_has_a_value_and_nothing_is_drawn(tmp_path: Path) -> None:
    """A model that says something else each time it is asked."""
    seen = window(tmp_path)
    told = found(Shap(), replace(seen, predict=lambda rows: model(rows).with_columns(pl.col("prediction") * (1 + 0.1 * (rows.height % 7)))))
    assert told["shap/additivity"].value > 1e-3
    assert told["shap/additivity"].severity == "warning"
    assert told["shap/a"].value is None
    assert "failed" in told["shap/a"].text
    assert not [one for one in charts([finding.model_copy(update={"name": f"test/{finding.name}"}) for finding in told.values()]) if one.topic == "explanation"]
    drawn = charts([finding.model_copy(update={"name": f"test/{finding.name}"}) for finding in found(Shap(), seen).values()])
    assert [one.title for one in drawn] == ["How far each column moves a prediction, on average"]


def test_predictions_that_are_no_numbers_are_said_to_be_none(tmp_path: Path) -> None:
    seen = window(tmp_path)
    told = found(Shap(), replace(seen, predict=lambda rows: model(rows) * float("nan")))
    assert told["shap/additivity"].value is None
    assert "not finite" in told["shap/additivity"].text


def test_a_bundle_without_a_background_is_not_explained(tmp_path: Path) -> None:
    seen = window(tmp_path)
    assert found(Shap(), replace(seen, bundle=None)) == {}
    (tmp_path / FILE).unlink()
    assert found(Shap(), seen) == {}


@pytest.mark.parametrize("cuts", [[7], [100, 300], [0, 400]])
def test_however_rows_are_cut_the_values_are_the_same(tmp_path: Path, cuts: list[int]) -> None:
    seen = window(tmp_path)
    assert found(Shap(rows=20), seen, cuts) == found(Shap(rows=20), seen)
