"""From raw rows to a registered model with the command line, where the package is installed as a user installs it."""

from __future__ import annotations

from importlib.metadata import entry_points

import pytest

if not any(point.value == "mlforge_sklearn" for point in entry_points(group="mlforge")):
    pytest.skip("needs mlforge-sklearn: pip install -e plugins/mlforge-sklearn", allow_module_level=True)

from mlforge.testing.project import TestProject


@pytest.mark.parametrize(
    ("recipe", "model"),
    [
        ("breast_cancer", "logistic_regression"),
        ("digits", "extra_trees"),
        ("diabetes", "ridge"),
        ("diabetes", "random_forest"),
        ("digits", "logistic_regression"),
    ],
)
def test_a_shipped_recipe_with_this_model_is_registered(project: TestProject, recipe: str, model: str) -> None:
    outcome = project.run("run", recipe, f"model={model}", "trainer=estimator")
    assert outcome.code == 0, outcome.text
    assert "parity" in outcome.out
    assert [version["version"] for version in project.run("models", recipe, "--json").json] == [1]


def test_the_recipe_that_comes_along_ends_with_a_registered_model(project: TestProject) -> None:
    outcome = project.run("run", "breast_cancer_forest")
    assert outcome.code == 0, outcome.text
    assert [version["version"] for version in project.run("models", "breast_cancer_forest", "--json").json] == [1]


def test_boosted_trees_drive_every_stage(project: TestProject) -> None:
    outcome = project.run("run", "breast_cancer", "model=hist_gradient_boosting", "trainer=estimator", "--smoke")
    assert outcome.code == 0, outcome.text


def test_a_model_for_regression_says_so_when_the_task_is_another(project: TestProject) -> None:
    outcome = project.run("run", "breast_cancer", "model=ridge", "trainer=estimator")
    assert outcome.code == 2, outcome.text
    assert "ridge does not do classification" in outcome.text
