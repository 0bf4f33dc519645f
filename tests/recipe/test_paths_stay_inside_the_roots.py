# ruff: noqa: E501  a case reads better in one line
from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def outside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("outside")
    (folder / "secret.csv").write_text("x,y\n")
    return folder


def wants(bench: Any, path: str) -> None:
    bench.write(reads=f"mlforge: 1\ndefaults: [small, _self_]\nsource: {{path: '{path}'}}\n")


def test_a_path_in_a_recipe_is_relative_to_the_project(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (bench.project.root / "below").mkdir()
    monkeypatch.chdir(bench.project.root / "below")
    assert bench.compose("small").sections["source"].path == str(bench.project.root.resolve() / "rows.csv")


def test_a_path_on_the_command_line_is_relative_to_the_user_and_may_lie_anywhere(bench: Any, outside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(outside)
    recipe = bench.compose("small", "source.path=secret.csv")
    assert recipe.sections["source"].path == str(outside.resolve() / "secret.csv")
    assert recipe.plain["source"]["path"] == "secret.csv"


@pytest.mark.parametrize(
    "path",
    ["/etc/passwd", "../x.csv", "data/../../x.csv", "a/b/../../../x.csv", "/etc/*", "../*.csv", "*/../../x.csv", "file:///etc/passwd", "s3://bucket/x", "simplecache::file:///etc/passwd", "local:/etc/passwd/../x://y"],
)  # fmt: skip
def test_what_lies_outside_is_refused(bench: Any, path: str) -> None:
    wants(bench, path)
    problem = bench.problem("reads")
    assert problem.where == "source.path"
    assert str(problem.origin).startswith("recipes/reads.yaml:3:")
    assert "roots" in problem.hint


def test_links_that_lead_outside_are_refused(bench: Any, outside: Path) -> None:
    root = bench.project.root
    (root / "link.csv").symlink_to(outside / "secret.csv")
    (root / "folder").symlink_to(outside)
    (root / "data").mkdir()
    (root / "data" / "part.csv").symlink_to(outside / "secret.csv")
    for path in ("link.csv", "folder/secret.csv", "folder/*.csv", "data/*.csv", "dat?/part.csv", "**/part.csv", "folder/../folder/secret.csv"):
        wants(bench, path)
        assert "outside the project's roots" in bench.problem("reads").found, path


def test_links_in_a_circle_and_endless_names_are_problems(bench: Any) -> None:
    (bench.project.root / "a").symlink_to(bench.project.root / "b")
    (bench.project.root / "b").symlink_to(bench.project.root / "a")
    for path in ("a", "a/x.csv", "x" * 5000, "~nobody-of-this-name/x.csv"):
        wants(bench, path)
        assert path.startswith("~") or bench.problem("reads").where == "source.path", path
        if path.startswith(("x", "~")):
            assert bench.problem("small", f"source.path='{path}'").where == "source.path"


def test_links_that_stay_inside_are_fine(bench: Any) -> None:
    (bench.project.root / "link.csv").symlink_to(bench.project.root / "rows.csv")
    wants(bench, "link.csv")
    assert bench.compose("reads").sections["source"].path.endswith("/link.csv")  # not where it leads: one that is pointed elsewhere is to be noticed


def test_roots_that_the_project_declares_may_be_read(bench: Any, outside: Path) -> None:
    wants(bench, str(outside / "*.csv"))
    assert "outside" in bench.problem("reads").found
    bench.configured(roots=(bench.project.root, outside))
    assert bench.compose("reads").sections["source"].path == str(outside / "*.csv")


def test_a_path_from_the_environment_is_a_recipes_path(bench: Any, outside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROWS", str(outside / "secret.csv"))
    bench.configured(env=("ROWS",))
    wants(bench, "${oc.env:ROWS}")
    assert "outside the project's roots" in bench.problem("reads").found


def test_the_store_stays_inside_too(bench: Any, outside: Path) -> None:
    bench.write(keeps=f"mlforge: 1\ndefaults: [small, _self_]\nstore: {outside}\n")
    assert bench.problem("keeps").where == "store"
    assert bench.compose("keeps", "store=here").store == os.path.realpath("here")


def test_a_wildcard_does_not_follow_a_link_out(bench: Any, outside: Path) -> None:
    (bench.project.root / "data").mkdir()
    (bench.project.root / "data" / "link").symlink_to(outside, target_is_directory=True)
    for pattern in ("data/**/secret.csv", "data/*/secret.csv"):
        wants(bench, pattern)
        assert "lies outside the project's roots" in bench.problem("reads").found


def test_braces_are_no_wildcard(bench: Any, outside: Path) -> None:
    (bench.project.root / "{x}").symlink_to(outside, target_is_directory=True)
    wants(bench, "{x}/*.csv")
    assert "lies outside the project's roots" in bench.problem("reads").found
