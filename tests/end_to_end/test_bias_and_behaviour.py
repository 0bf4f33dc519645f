"""A model with a planted bias, and one that is right for a wrong reason: found, named, and kept from production."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from mlforge.testing.project import TestProject

RECIPE = """
    mlforge: 1
    defaults:
      - lifecycle
      - source: csv
      - split: random
      - model: linear
      - trainer: lightning
      - exporters: [onnx]
      - evaluators: [classification, slices, fairness, behaviour, latency]
      - gates: [thresholds]
      - _self_
    name: jobs
    source: {path: people.csv}
    contract:
      columns:
        skill: {dtype: float}
        code:  {dtype: float}
        sex:   {dtype: category, role: %(role)s}
        hired: {dtype: category, role: target, positive: "yes"}
    trainer: {max_epochs: 8, lr: 0.05, batch_size: 256}
    evaluators:
      fairness: {columns: [sex]}
      slices: {columns: [sex], where: {unskilled: skill < 0}}
      behaviour:
        rows: 200
        perturbations: {other_code: {use: noise, deviation: 2.0}, better: {use: shift, by: 0.5}}
        invariance: {code_does_not_matter: {columns: [code], by: other_code, tolerance: 0.05}}
        direction: {skill_helps: {columns: [skill], by: better, expect: not_lower}}
      latency: {calls: 30, batch: 10}
    gates:
      thresholds:
        rules:
          %(rule)s
"""


def people(folder: Path, *, bias: float, leak: float) -> None:
    """Who is skilled is hired; with a bias, one sex more than the other; with a leak, `code` knows the answer."""
    draw = np.random.default_rng(0)
    rows = 3000
    sex = draw.integers(0, 2, rows)
    skill = draw.normal(size=rows)
    hired = skill + bias * (sex - 0.5) + 0.5 * draw.normal(size=rows) > 0
    code = draw.normal(size=rows) + leak * hired
    table = {"skill": skill, "code": code, "sex": np.array(["F", "M"])[sex], "hired": np.array(["no", "yes"])[hired.astype(int)]}
    pl.DataFrame(table).write_csv(folder / "people.csv")


def run(project: TestProject, rule: str, role: str = "feature"):
    project.write(jobs=RECIPE % {"role": role, "rule": rule})
    return project.run("run", "jobs")


def test_a_planted_bias_is_found_and_named_and_the_gate_says_no(project: TestProject) -> None:
    people(project.root, bias=2.0, leak=0.0)
    done = run(project, "fair: {finding: test/sex/demographic_parity_difference, max: 0.2, by: low}")
    assert done.code == 4, done.text
    assert "demographic_parity_difference" in done.text
    page = next(project.root.glob(".mlforge/runs/*/report.html")).read_text()
    assert "selection_rate is" in page
    assert "for F" in page


def test_without_the_bias_the_same_gate_passes(project: TestProject) -> None:
    people(project.root, bias=0.0, leak=0.0)
    done = run(project, "fair: {finding: test/sex/demographic_parity_difference, max: 0.2, by: low}")
    assert done.code == 0, done.text


def test_a_model_that_is_right_for_a_wrong_reason_fails_a_behaviour_test_and_the_report_shows_a_row(project: TestProject) -> None:
    people(project.root, bias=0.0, leak=4.0)
    done = run(project, "honest: {finding: test/behaviour/code_does_not_matter, max: 0.1}", role="protected")
    assert done.code == 4, done.text
    page = next(project.root.glob(".mlforge/runs/*/report.html")).read_text()
    assert "other_code in code must not move the answer" in page


@pytest.mark.parametrize(("limit", "code"), [("100.0", 0), ("0.0", 4)])
def test_a_latency_is_judged_and_its_figures_stay_out_of_what_is_compared(project: TestProject, limit: str, code: int) -> None:
    people(project.root, bias=0.0, leak=0.0)
    done = run(project, f"fast: {{finding: test/latency/p99, max: {limit}}}")
    assert done.code == code, done.text
    verdict = next(project.root.glob(".mlforge/**/verdict.json")).read_text()
    assert "test/latency/p99" in verdict
    assert '"value": null' in verdict
    page = next(project.root.glob(".mlforge/runs/*/report.html")).read_text()
    assert f"test/latency/p99 is {'' if code == 0 else 'not '}≤" not in page, "the page tells the figures"
