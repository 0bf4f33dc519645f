"""A recipe reads below the project's roots only; a person who names a file on the command line may read it."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.end_to_end.buyers import RECIPE, buyers, store_of

from mlforge.testing.project import TestProject


@pytest.fixture
def outside(project: TestProject) -> Path:
    """A good file that no recipe of the project may read, beside the project, and links to it from within."""
    buyers(project)
    folder = project.root.parent / "outside"
    folder.mkdir()
    (project.root / "buyers.csv").rename(folder / "buyers.csv")
    (project.root / "file.csv").symlink_to(folder / "buyers.csv")
    (project.root / "linked").symlink_to(folder)
    (project.root / "deep").mkdir()
    (project.root / "deep" / "dangling.csv").symlink_to(folder / "not-yet.csv")
    return folder


PATHS = (
    "{outside}/buyers.csv",
    "../outside/buyers.csv",
    "deep/../../outside/buyers.csv",
    "linked/../outside/buyers.csv",
    "file.csv",
    "linked/buyers.csv",
    "linked/*.csv",
    "f*.csv",
    "*/buyers.csv",
    "../*/buyers.csv",
    "../outside/buyer[s].csv",
    "deep/dangling.csv",
    "file://{outside}/buyers.csv",
)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("verb", ["run", "plan", "check"])
def test_a_path_that_leaves_the_roots_is_refused_before_anything_is_read(project: TestProject, outside: Path, path: str, verb: str) -> None:
    written = path.format(outside=outside)
    project.write(buyers=RECIPE.replace("source: {path: buyers.csv}", f'source: {{path: "{written}"}}'))
    outcome = project.run(verb, "buyers")
    assert outcome.code == 2, outcome.text
    assert "source.path" in outcome.text
    assert "Traceback" not in outcome.text
    if verb == "run":
        with store_of(project) as store:
            assert store.records.runs() == []
            assert store.artifacts.digests() == []


@pytest.mark.parametrize("path", ["{outside}/buyers.csv", "../outside/buyers.csv", "file.csv", "linked/buyers.csv", "linked/*.csv"])
def test_the_same_path_on_the_command_line_is_read(project: TestProject, outside: Path, path: str) -> None:
    outcome = project.run("run", "buyers", f"source.path={path.format(outside=outside)}", "--only", "ingest")
    assert outcome.code == 0, outcome.text


def test_a_tilde_in_a_recipe_is_no_home(project: TestProject, outside: Path) -> None:
    project.write(buyers=RECIPE.replace("path: buyers.csv", "path: ~/buyers.csv"))
    outcome = project.run("run", "buyers", HOME=str(outside))
    assert outcome.code == 3
    assert "Paths in a recipe begin at the project's folder" in outcome.err


def test_a_root_that_the_project_declares_is_read(project: TestProject, outside: Path) -> None:
    project.write({"mlforge.toml": f'roots = [".", "{outside}"]\n'})
    project.write(buyers=RECIPE.replace("path: buyers.csv", f"path: {outside}/buyers.csv"))
    assert project.run("run", "buyers", "--only", "ingest").code == 0


def test_a_recipe_cannot_declare_roots_for_itself(project: TestProject, outside: Path) -> None:
    project.write(buyers=RECIPE.replace("source: {path: buyers.csv}", f'roots: ["{outside}"]\n    source: {{path: {outside}/buyers.csv}}'))
    outcome = project.run("run", "buyers")
    assert outcome.code == 2
    assert "roots" in outcome.err


@pytest.mark.parametrize("name", ["../evil", "a/b", "..", ".hidden", "/tmp/x", "a b", ""])
def test_a_recipes_name_cannot_lead_out_of_the_store(project: TestProject, name: str) -> None:
    buyers(project)
    project.write(buyers=RECIPE.replace("name: buyers", f'name: "{name}"'))
    before = {path for path in project.root.parent.rglob("*") if ".mlforge" not in path.parts}
    assert project.run("run", "buyers").code == 2
    assert {path for path in project.root.parent.rglob("*") if ".mlforge" not in path.parts} == before


def test_a_link_that_is_swapped_in_after_the_check_is_a_folder_of_its_own(project: TestProject, outside: Path) -> None:
    """The path that a run uses is the one that was checked: links are followed once, before."""
    (project.root / "data").mkdir()
    (project.root / "data" / "buyers.csv").write_text((outside / "buyers.csv").read_text())
    project.write(buyers=RECIPE.replace("path: buyers.csv", "path: data/buyers.csv"))
    assert project.run("check", "buyers").code == 0
    (project.root / "data" / "buyers.csv").unlink()
    (project.root / "data").rmdir()
    (project.root / "data").symlink_to(outside)
    assert project.run("run", "buyers").code == 2
