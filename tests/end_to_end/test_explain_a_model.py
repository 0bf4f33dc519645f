"""`mlforge explain` on a model that was trained, exported and registered: raw rows in, reasons out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from mlforge.testing.project import TestProject

RECIPE = """
    mlforge: 1
    defaults: [lifecycle, {source: csv}, {split: random}, {model: linear}, {trainer: lightning}, {exporters: [onnx]}, {evaluators: [classification]},
               {gates: [thresholds]}, _self_]
    name: jobs
    source: {path: people.csv}
    contract:
      columns:
        skill: {dtype: float, name: how skilled}
        years: {dtype: int, ge: 0, le: 50}
        badge: {dtype: category, unseen: unknown}
        mail:  {dtype: category, pii: email, unseen: unknown}
        hired: {dtype: category, role: target, positive: "yes"}
    trainer: {max_epochs: 6, lr: 0.05, batch_size: 256}
    gates: {thresholds: {rules: {auc: {finding: test/roc_auc, min: 0.7}}}}
"""
ROW = {"how skilled": -0.5, "years": 10, "badge": "red", "mail": "a@x.org"}


@pytest.fixture(scope="module")
def hired(tmp_path_factory) -> TestProject:
    """A project with a registered model, for every test of this page."""
    project = TestProject(tmp_path_factory.mktemp("jobs"))
    draw = np.random.default_rng(0)
    skill, years, badge = draw.normal(size=2000), draw.integers(0, 40, 2000), draw.choice(["red", "blue"], 2000)
    yes = skill + 0.05 * (years - 20) + (badge == "red") + 0.3 * draw.normal(size=2000) > 0.5
    table = {"how skilled": skill, "years": years, "badge": badge,
             "mail": draw.choice(["a@x.org", "b@x.org"], 2000), "hired": np.array(["no", "yes"])[yes.astype(int)]}  # fmt: skip
    pl.DataFrame(table).write_csv(project.root / "people.csv")
    project.write(jobs=RECIPE)
    done = project.run("run", "jobs")
    assert done.code == 0, done.text
    return project


def test_the_answers_reasons_add_up_and_its_counterfactual_holds(hired: TestProject) -> None:
    done = hired.run("explain", "jobs", "--row", json.dumps(ROW), "--json")
    assert done.code == 0, done.text
    (told,) = json.loads(done.out)
    assert told["base"] + sum(column["value"] for column in told["columns"].values()) == pytest.approx(told["answer"], abs=1e-5)
    assert told["additivity"] < 1e-3
    assert told["failed"] == ""
    assert told["columns"]["skill"]["value"] < 0 < told["columns"]["badge"]["value"]
    assert told["held"] == ["mail"], "personal data is not held against anybody's"
    assert told["effects"][0]["row"] == sorted(told["effects"][0]["row"])
    changes = told["counterfactuals"][0]["changes"]
    names = {"skill": "how skilled"}
    changed = ROW | {names.get(key, key): change["after"] for key, change in changes.items()}
    (again,) = json.loads(hired.run("explain", "jobs", "--row", json.dumps(changed), "--json").out)
    assert again["prediction"] == told["counterfactuals"][0]["prediction"] != told["prediction"]
    assert "mail" not in changes


def test_a_row_that_lacks_columns_is_told_which(hired: TestProject) -> None:
    done = hired.run("explain", "jobs", "--row", '{"years": 3}')
    assert (done.code, "--row lacks how skilled" in done.err, "--source FILE" in done.err) == (3, True, True), done.text


def test_a_person_reads_it_and_a_kept_column_stays(hired: TestProject) -> None:
    done = hired.run("explain", "jobs", "--row", json.dumps(ROW), "--keep", "skill")
    assert done.code == 0, done.text
    for said in ("what each column adds", "add up to the answer", "held as they are: mail", "what would turn the answer"):
        assert said in done.out
    assert "skill -0.5 →" not in done.out


def test_rows_of_a_file_are_explained_one_by_one(hired: TestProject) -> None:
    done = hired.run("explain", "jobs", "--source", "people.csv", "--rows", "3", "--json")
    assert done.code == 0, done.text
    assert len(json.loads(done.out)) == 3


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 2, "give --row or --source"),
        (["--row", "{"], 2, "no JSON"),
        (["--row", "[1]"], 2, "an object is expected"),
        (["--row", json.dumps(ROW | {"years": 99})], 3, "years 99 is above 50"),
        (["--row", '{"years": 3}'], 3, "skill"),
        (["--row", '{"years": {"a": []}}'], 3, ""),
        (["--row", json.dumps(ROW), "--keep", "shoe_size"], 2, "no column shoe_size"),
        (["--source", "nowhere.csv"], 3, "nowhere.csv"),
    ],
)
def test_what_cannot_be_explained_is_said_without_a_traceback(hired: TestProject, arguments: list[str], code: int, said: str) -> None:
    done = hired.run("explain", "jobs", *arguments)
    assert "Traceback" not in done.text
    assert (done.code, said in done.text) == (code, True), done.text


def test_bundles_hold_no_row_of_the_training_data(hired: TestProject) -> None:
    (background,) = (path for path in Path(hired.root).glob(".mlforge/artifacts/**/background.json"))
    text = background.read_text()
    assert "x.org" not in text
    assert set(json.loads(text)["columns"]) == {"skill", "years", "badge"}


def test_a_range_is_asked_of_a_model_of_classes_in_vain(hired: TestProject) -> None:
    done = hired.run("explain", "jobs", "--row", json.dumps(ROW), "--reach", "1:2")
    assert done.code == 2
    assert "a range to reach is for models of values" in done.text


def test_what_would_bring_a_value_into_a_range_is_told_and_holds_when_asked(tmp_path: Path) -> None:
    project = TestProject(tmp_path / "rents")
    project.root.mkdir()
    draw = np.random.default_rng(1)
    size, floor = draw.uniform(20, 150, 1500), draw.integers(0, 10, 1500)
    pl.DataFrame({"size": size, "floor": floor, "rent": 8 * size + 10 * floor + draw.normal(0, 20, 1500)}).write_csv(project.root / "flats.csv")
    columns = "{size: {dtype: float, ge: 0}, floor: {dtype: int, ge: 0}, rent: {dtype: float, role: target}}"
    project.write(rents=RECIPE.replace("jobs", "rents").replace("people", "flats").partition("    contract:")[0].replace("classification", "regression")
                  + f"    task: regression\n    contract: {{columns: {columns}}}\n    trainer: {{max_epochs: 8, lr: 0.05, batch_size: 128}}\n"
                  "    gates: {thresholds: {rules: {off: {finding: test/mae, max: 60}}}}\n")  # fmt: skip
    run = project.run("run", "rents")
    assert run.code == 0, run.text
    asked = ("explain", "rents", "--row", '{"size": 100, "floor": 2}')
    assert "what would" not in project.run(*asked).out, "without a range no value is another answer"
    told = project.run(*asked, "--reach", ":500")
    assert "what would make it at most 500 (asked of the model)" in told.out
    (plain,) = json.loads(project.run(*asked, "--reach", ":500", "--json").out)
    changes = plain["counterfactuals"][0]["changes"]
    assert set(changes) == {"size"}
    assert 45 < changes["size"]["after"] < 75
    (again,) = json.loads(project.run("explain", "rents", "--row", json.dumps({"size": changes["size"]["after"], "floor": 2}), "--json").out)
    assert 480 < again["prediction"] <= 500
    assert "The prediction is at least 500 as it is." in project.run(*asked, "--reach", "500:").out
    assert "makes it at least 1e+06" in project.run(*asked, "--reach", "1e6:").out
