"""Each recipe that is shipped, as its first lines say to run it, from raw rows to a registered model; and every stage of it in a smoke run."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

import pytest
from tests.end_to_end.buyers import STAGES, leftovers, store_of, verdict_of

from mlforge.testing.project import TestProject

RECIPES = sorted(path.stem for path in (Path(__file__).parents[2] / "recipes").glob("*.yaml"))
DATA = Path(__file__).parents[3] / "shared" / "data"
NEEDS = {recipe: DATA / "adult_train.csv" for recipe in RECIPES if recipe.startswith("adult")}  # the others bring their rows along
SHORTER = {
    "adult_resnet": ["trainer.max_epochs=2"],
    "adult_judged": ["trainer.max_epochs=3", "gates.thresholds.rules.auc.min=0.85"],
    "adult_fair": ["trainer.max_epochs=3", "gates.thresholds.rules.auc.min=0.85"],
    "tiny_lm": ["trainer.max_epochs=1"],
    "diabetes_tuned": ["sweep.trials=3"],
}  # as good as asked by then; benchmarks/ runs them as they are
ONE_AT_A_TIME = {"diabetes_tuned": ["sweep.concurrency=1"]}  # each trial at a time is a process more to start


def arguments(recipe: str) -> list[str]:
    """What the recipe must be told on the command line; the test is skipped where its file is missing."""
    file = NEEDS.get(recipe)
    if file is None:
        return [recipe]
    if not file.exists():
        pytest.skip(f"needs {file}")
    return [recipe, f"source.path={file}"]


QUICK = {"breast_cancer", "diabetes"}  # whole runs in seconds; the others' every stage is driven by a smoke run, and a slow test runs them whole


def marked(recipes: Iterable[str], slow: Collection[str]) -> list[object]:
    """The recipes as parameters of a test."""
    return [pytest.param(recipe, marks=pytest.mark.slow if recipe in slow else ()) for recipe in recipes]


@pytest.mark.parametrize("recipe", marked((recipe for recipe in RECIPES if recipe != "adult"), {*RECIPES} - QUICK))  # adult has tests of its own
def test_a_shipped_recipe_ends_with_a_registered_model(project: TestProject, recipe: str) -> None:
    outcome = project.run("run", *arguments(recipe), *SHORTER.get(recipe, []))
    assert outcome.code == 0, outcome.text
    with store_of(project) as store:
        version = store.registry.champion(recipe)
        assert version is not None
        assert version.version == 1
        store.artifacts.verify(version.bundle)
        (run,) = store.records.runs(recipe)
        ran = [stage.name for stage in run.stages if stage.name != "tune"]  # which stands before the first stage that reads what is searched
        assert ran == [name for name in STAGES[:-1] if name in ran]
        export = next(stage for stage in run.stages if stage.name == "export")
        parity = {finding.name: finding for finding in store.records.findings(export.key)}["parity/max_difference"]
        assert parity.value is not None
        assert 0 <= parity.value <= 1e-5
        assert parity.rows
        assert all(verdict_of(store, recipe).values())
    assert leftovers(project.root / ".mlforge") == []
    listed = project.run("models", recipe, "--json").json
    assert [(version["model"], version["version"], version["aliases"]) for version in listed] == [(recipe, 1, ["champion"])]


@pytest.mark.parametrize("recipe", marked(RECIPES, {*QUICK, "adult"}))
def test_a_smoke_run_drives_every_stage_and_registers_nothing(project: TestProject, recipe: str) -> None:
    planned = {step["stage"] for step in project.run("plan", *arguments(recipe), "--json").json}
    outcome = project.run("run", *arguments(recipe), *ONE_AT_A_TIME.get(recipe, []), "--smoke")
    assert outcome.code == 0, outcome.text
    assert "Nothing was registered" in outcome.out
    with store_of(project) as store:
        (run,) = store.records.runs(recipe)
        assert {stage.name for stage in run.stages} == planned - {"register"}
        assert {stage.state for stage in run.stages} == {"done"}
        assert run.smoke
        assert store.registry.models() == []
        assert store.audit.verify() == 0
