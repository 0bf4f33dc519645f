"""What cannot be measured is a finding that says so: the run ends as its gates say, never with a traceback."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from tests.end_to_end.buyers import store_of

from mlforge.finding import Finding
from mlforge.testing.project import TestProject

RECIPE = """
    mlforge: 1
    defaults:
      - lifecycle
      - source: csv
      - split: column
      - model: linear
      - trainer: lightning
      - exporters: [onnx]
      - evaluators: [classification, slices, fairness, errors, importance]
      - gates: [thresholds]
      - _self_
    name: odd
    source: {path: odd.csv}
    contract:
      nulls: ["", "nan"]
      columns:
        skill: {dtype: float, nullable: true}
        other: {dtype: float, nullable: true}
        group: {dtype: category, role: protected}
        use:   {dtype: category, role: part}
        label: {dtype: category, role: target, positive: "yes"}
    trainer: {max_epochs: 1, batch_size: 256}
    evaluators:
      classification: {beta: 2, costs: {false_alarm: 1, miss: 5}}
      slices: {columns: [group]}
    gates: {thresholds: {rules: {any: {finding: test/log_loss, max: 100}}}}
"""


def table(rows: int = 800, tested: int = 200, **columns: object) -> pl.DataFrame:
    """Rows whose label follows `skill`; the last are the test's."""
    draw = np.random.default_rng(0)
    skill = draw.normal(size=rows)
    part = ["train"] * (rows - 100 - tested) + ["validation"] * 100 + ["test"] * tested
    made = {"skill": skill, "other": draw.normal(size=rows), "group": draw.choice(["a", "b"], rows), "use": part}
    return pl.DataFrame(made | {"label": np.where(skill + 0.5 * draw.normal(size=rows) > 0, "yes", "no")} | columns)


def judged(project: TestProject, rows: pl.DataFrame) -> dict[str, Finding]:
    """What is found of the candidate; the run must end well."""
    rows.write_csv(project.root / "odd.csv")
    project.write(odd=RECIPE)
    done = project.run("run", "odd")
    assert "Traceback" not in done.text
    assert done.code == 0, done.text
    assert next(project.root.glob(".mlforge/runs/*/report.html")).stat().st_size < 3_000_000
    return candidates(project)


def candidates(project: TestProject) -> dict[str, Finding]:
    with store_of(project) as store:
        (run,) = store.records.runs("odd")
        found = [one for stage in run.stages for one in store.records.findings(stage.key)]
    assert all(one.text for one in found if one.value is None), "nothing is missing without a reason"
    return {one.name: one for one in found if one.subject == "candidate"}


def test_one_group_is_nobody_to_compare_with(project: TestProject) -> None:
    found = judged(project, table(group=["a"] * 800))
    gap = found["test/group/equal_opportunity_difference"]
    assert (gap.value, gap.text) == (None, "group has 1 group of at least 30 rows, and two are needed to compare")


def test_ten_thousand_groups_are_too_small_to_compare(project: TestProject) -> None:
    found = judged(project, table(12_000, 10_500, group=[f"g{number % 10_000}" for number in range(12_000)]))
    assert "0 groups of at least 30 rows" in found["test/group/accuracy_difference"].text
    assert found["test/slices/worst/accuracy"].text == "no slice has enough rows"
    assert len(found) < 200


def test_a_test_part_that_lacks_a_class_is_refused_before_anything_is_judged(project: TestProject) -> None:
    table(tested=1).write_csv(project.root / "odd.csv")
    project.write(odd=RECIPE)
    done = project.run("run", "odd")
    assert done.code == 3
    assert "the part test has no rows of" in done.text


def test_one_row_of_values_is_measured_and_what_cannot_be_says_so(project: TestProject) -> None:
    table(tested=1, label=np.random.default_rng(1).normal(size=800)).write_csv(project.root / "odd.csv")
    values = RECIPE.replace("[classification, ", "[regression, ").replace("classification: {beta: 2, costs: {false_alarm: 1, miss: 5}}", "regression: {}")
    values = values.replace('{dtype: category, role: target, positive: "yes"}', "{dtype: float, role: target}").replace("test/log_loss", "test/mae")
    project.write(odd=values.replace("- _self_\n    name", "- _self_\n    task: regression\n    name"))
    done = project.run("run", "odd")
    assert done.code == 0, done.text
    found = candidates(project)
    assert (found["test/r2"].value, found["test/r2"].text) == (None, "one row has no variance to explain")
    assert found["test/mae"].value is not None
    assert found["test/mae"].low is None


def test_a_column_without_a_value_and_predictions_that_are_all_the_same(project: TestProject) -> None:
    found = judged(project, table(skill=[None] * 800, other=[float("nan")] * 800))
    assert found["test/roc_auc"].value == pytest.approx(0.5)
    assert found["test/importance/skill"].value == pytest.approx(0.0, abs=1e-9)


def test_an_evaluator_of_another_task_is_told_before_anything_runs(project: TestProject) -> None:
    table().write_csv(project.root / "odd.csv")
    project.write(odd=RECIPE.replace("evaluators: [classification,", "evaluators: [regression,").replace("classification: {beta", "regression: {}\n      #"))
    done = project.run("check", "odd")
    assert done.code == 2
    assert "nothing measures test/log_loss" in done.text
