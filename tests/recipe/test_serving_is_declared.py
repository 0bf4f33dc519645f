"""The key `serve`: its files are looked for where it is served, and only where the project allows."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlforge.errors import RecipeError
from mlforge.project import Project
from mlforge.recipe.recorded import recorded_serve

RECIPE = """
mlforge: 1
name: mine
task: classification
source: {use: csv, path: rows.csv}
contract:
  columns:
    x: {dtype: float}
    y: {dtype: category, role: target}
"""


def with_serve(project, serve: str):
    return project.write({"rows.csv": "x,y\n1,a\n"}, mine=RECIPE + serve)


def test_a_log_outside_the_projects_roots_is_a_problem_of_the_recipe(project):
    told = with_serve(project, "serve:\n  log: {path: /etc/served}\n  access: {keys: ../keys.json}\n").run("check", "mine")
    assert told.code == 2
    assert "serve.log.path" in told.text
    assert "serve.access.keys" in told.text
    assert "lies outside the project's roots" in told.text


def test_what_is_wrong_in_its_parts_is_told_with_their_path_and_line(project):
    told = with_serve(project, "serve:\n  limits: {body: 5}\n  log: {path: served, sampel: 0.5}\n  access: {admin: true}\n").run("check", "mine")
    assert told.code == 2
    assert "serve.limits.body" in told.text
    assert "recipes/mine.yaml:12" in told.text
    assert "Did you mean sample?" in told.text
    assert "admin routes need a file of keys" in told.text


def test_a_column_of_the_log_that_no_request_brings_is_told_with_a_near_name(project):
    told = with_serve(project, "serve:\n  log: {path: served, columns: [xx, y]}\n").run("check", "mine")
    assert told.code == 2
    assert "xx is no column of a request; one of x" in told.text
    assert "y is no column of a request" in told.text, "a target is no part of a request, so that the log would not have it"
    assert "recipes/mine.yaml:10" in told.text


def test_a_recipe_that_says_how_it_is_served_is_fine(project):
    serve = "serve:\n  log: {path: served, sample: 10%, flush_seconds: 2s, max_size: 1 GiB}\n  limits: {rows: 100}\n  access: {keys: keys.json}\n"
    assert with_serve(project, serve).run("check", "mine").code == 0


def test_recorded_settings_are_read_for_the_project_that_serves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = Project(tmp_path.resolve(), env=("WHERE",))
    serve = recorded_serve({"port": 9000, "log": {"path": "served", "flush_seconds": "2s"}}, project, "mine")
    assert serve.log is not None
    assert (serve.port, serve.log.path, serve.log.flush_seconds) == (9000, str(tmp_path.resolve() / "served"), 2.0)
    monkeypatch.setenv("WHERE", "s3://bucket/served")
    serve = recorded_serve({"log": {"path": "${oc.env:WHERE}"}}, project, "mine")
    assert serve.log is not None
    assert serve.log.path == "s3://bucket/served"


@pytest.mark.parametrize(
    ("plain", "told"),
    [
        ({"log": {"path": "/etc/served"}}, "lies outside the project's roots"),
        ({"log": {"path": "s3://else/where"}}, "is a URL, and a recipe may read only below the project's roots"),
        ({"log": {"path": "${oc.env:HOME}"}}, "HOME"),
        ({"ports": 1}, "Did you mean port?"),
    ],
)
def test_recorded_settings_reach_nothing_that_the_project_does_not_allow(tmp_path: Path, plain: dict[str, object], told: str) -> None:
    with pytest.raises(RecipeError, match="with how mine is to be served") as error:
        recorded_serve(plain, Project(tmp_path.resolve()), "mine")
    assert told in str(error.value)


def test_the_command_line_goes_before_what_was_recorded_and_may_name_any_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    overrides = ("serve.limits.rows=7", "serve.log={path: ../elsewhere}", "~serve.port")
    serve = recorded_serve({"port": 9000, "limits": {"rows": 100, "depth": 10}}, Project(tmp_path / "project"), "mine", overrides)
    assert serve.log is not None
    assert (serve.port, serve.limits.rows, serve.limits.depth, serve.log.path) == (8080, 7, 10, str(tmp_path.resolve().parent / "elsewhere"))


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("trainer.max_epochs=3", "decides nothing here"),
        ("limits.rows=3", "Write serve.limits.rows=3"),
        ("rollout.timeout_ms=5", "said in the recipe, and kept with the version"),
        ("serve.limits.row=3", "Did you mean rows?"),
        ("serve.limits.rows=many", "serve.limits.rows"),
        ("serve.log.path=${oc.env:HOME}", "HOME"),
        ("serve.limits.rows=1,2", "several values"),
    ],
)
def test_an_override_that_means_nothing_here_is_told(tmp_path: Path, override: str, told: str) -> None:
    with pytest.raises(RecipeError) as error:
        recorded_serve({}, Project(tmp_path.resolve()), "mine", (override,))
    assert told in str(error.value)
