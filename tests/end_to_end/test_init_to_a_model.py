"""A folder with a CSV file in it, and nothing else: `init`, `check` and `run` end with a registered model; and what is wrong with the rows is named."""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl
import pytest
from tests.end_to_end.buyers import STAGES

from mlforge.testing.project import Outcome, TestProject

DATA = Path(__file__).parents[3] / "shared" / "data"
SHARED = {"adult_train": "income", "electricity": "class"}
SAMPLES = ("breast_cancer", "diabetes", "digits", "iris", "wine")  # scikit-learn's own, written as a new user would find them
QUICK = ("trainer.max_epochs=3",)
FEW = ("adult_train", "diabetes", "wine")  # columns of many kinds and two classes, a number to predict, three classes


def csv_of(name: str, folder: Path) -> tuple[str, str]:
    """Put the file there; its name and target."""
    if name in SHARED:
        if not (DATA / f"{name}.csv").exists():
            pytest.skip(f"needs {DATA / name}.csv")
        shutil.copy(DATA / f"{name}.csv", folder)
        return f"{name}.csv", SHARED[name]
    datasets = pytest.importorskip("sklearn.datasets")
    loaded = getattr(datasets, f"load_{name}")()
    frame = pl.DataFrame(loaded.data, schema=[str(column) for column in loaded.feature_names], orient="row")
    frame.with_columns(target=pl.Series(loaded.target)).write_csv(folder / f"{name}.csv")
    return f"{name}.csv", "target"


def registered(project: TestProject, name: str, *overrides: str) -> Outcome:
    """The three commands that `init` names, as they stand."""
    file, target = csv_of(name, project.root)
    assert [path.name for path in project.root.iterdir()] == [file]
    drafted = project.run("init", file, "--target", target)
    assert drafted.code == 0, drafted.text
    checked = project.run("check", name)
    assert checked.code == 0, checked.text
    outcome = project.run("run", name, *overrides, "--json")
    assert outcome.code == 0, outcome.text
    assert {stage["name"] for stage in outcome.json["stages"]} == {*STAGES, "calibrate"}
    assert outcome.json["done"] == [{"subject": f"{name} 1", "event": "registered", "new": True}]
    return outcome


@pytest.mark.parametrize("name", FEW)
def test_a_drafted_recipe_runs_to_a_registered_model(project: TestProject, name: str) -> None:
    registered(project, name, *QUICK)


@pytest.mark.slow
@pytest.mark.parametrize("name", [*SHARED, *SAMPLES])
def test_a_drafted_recipe_runs_as_it_stands(project: TestProject, name: str) -> None:
    registered(project, name)


def test_two_hundred_duplicates_across_the_split_and_a_leak_that_came_later_are_named(project: TestProject) -> None:
    datasets = pytest.importorskip("sklearn.datasets")
    loaded = datasets.load_breast_cancer()
    frame = pl.DataFrame(loaded.data[:, :6], schema=[f"x{k}" for k in range(6)], orient="row").with_columns(y=pl.Series(loaded.target))
    places = pl.int_range(pl.len())
    frame = frame.with_columns(part=pl.when(places < 300).then(pl.lit("train")).when(places < 430).then(pl.lit("val")).otherwise(pl.lit("test")))
    frame.with_row_index("id").write_csv(project.root / "cells.csv")
    assert project.run("init", "cells.csv", "--target", "y").code == 0
    copies = frame.head(200).with_columns(part=pl.lit("test"))
    planted = pl.concat([frame, copies]).with_columns(x5=pl.col("x5") + pl.col("y"))
    planted.with_row_index("id").write_csv(project.root / "cells.csv")
    outcome = project.run("run", "cells", *QUICK, "split=column", "contract.columns.x5.le=9")
    assert outcome.code == 0, outcome.text
    (told,) = [line for line in outcome.text.splitlines() if line.lstrip().startswith("inspect")]
    assert "x5 (1.000) tells the target almost alone" in told
    assert "200 rows of validation and test are in the training rows too" in told
