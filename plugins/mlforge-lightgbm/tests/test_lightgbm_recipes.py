"""From raw rows to a registered model with the command line, where the package is installed as a user installs it."""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path

import pytest

pytest.importorskip("lightgbm", reason="needs lightgbm")
if not any(point.value == "mlforge_lightgbm" for point in entry_points(group="mlforge")):
    pytest.skip("needs mlforge-lightgbm: pip install -e plugins/mlforge-lightgbm", allow_module_level=True)

from mlforge.testing.project import TestProject

ADULT = Path(__file__).parents[4] / "shared" / "data" / "adult_train.csv"


@pytest.mark.parametrize(("recipe", "model"), [("breast_cancer", "lightgbm_fast"), ("digits", "lightgbm_fast"), ("diabetes", "lightgbm_fast")])
def test_a_shipped_recipe_with_this_model_is_registered_and_predicts(project: TestProject, recipe: str, model: str) -> None:
    outcome = project.run("run", recipe, f"model={model}", "trainer=estimator", "model.n_estimators=60", "model.learning_rate=0.1")
    assert outcome.code == 0, outcome.text
    assert "parity" in outcome.out
    assert [version["version"] for version in project.run("models", recipe, "--json").json] == [1]


def test_a_network_trainer_says_that_it_cannot_fit_this_model(project: TestProject) -> None:
    outcome = project.run("run", "breast_cancer", "model=lightgbm")
    assert outcome.code == 2, outcome.text
    assert "lightning does not fit lightgbm" in outcome.text


def test_an_unchanged_second_run_does_nothing(project: TestProject) -> None:
    arguments = ("run", "breast_cancer", "model=lightgbm_fast", "trainer=estimator", "model.n_estimators=10")
    assert project.run(*arguments).code == 0
    assert "nothing to do" in project.run(*arguments).out


@pytest.mark.skipif(not ADULT.exists(), reason="needs ../shared/data/adult_train.csv")
def test_the_census_recipe_drives_every_stage(project: TestProject) -> None:
    outcome = project.run("run", "adult_lightgbm", f"source.path={ADULT}", "--smoke")
    assert outcome.code == 0, outcome.text
    assert "Nothing was registered" in outcome.out
