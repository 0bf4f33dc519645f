# ruff: noqa: E501  a case reads better in one line
from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlforge.errors import MissingRequirement
from mlforge.recipe import compose, missing

FOREST = '''
from typing import ClassVar
from mlforge.components import Model, Stage

class Forest(Model):
    """Trees, which no network trainer fits."""
    family: ClassVar[str] = "trees"
    tasks: ClassVar[frozenset[str]] = frozenset({"regression"})
    requires: ClassVar[tuple[str, ...]] = ("a-forest-that-nobody-has>=2", "torch")
    def build(self, blocks, output):
        raise NotImplementedError

class Audit(Stage):
    """Needs what few recipes have."""
    needs: ClassVar[tuple[str, ...]] = ("checks", "gates")
    def run(self, job):
        raise NotImplementedError
'''


@pytest.fixture
def forest(bench: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    (tmp_path / "acme_forest.py").write_text(textwrap.dedent(FOREST))
    monkeypatch.syspath_prepend(tmp_path)
    bench.with_plugin("mlforge-acme", {"model/forest": "acme_forest:Forest", "stages/audit": "acme_forest:Audit"})
    yield bench
    sys.modules.pop("acme_forest", None)


def test_a_model_that_its_trainer_does_not_fit_and_that_does_not_do_the_task(forest: Any) -> None:
    problems = {problem.where: problem for problem in forest.problems("small", "model=forest")}
    assert problems["trainer"].found == "lightning does not fit forest, which is a trees"
    assert str(problems["trainer"].origin).startswith("recipes/small.yaml:2:")
    assert problems["model"].found == "forest does not do classification"


def test_settings_of_a_stage_that_the_recipe_does_not_have(forest: Any) -> None:
    problem = forest.problem("small", "stages.audit.retries=1")
    assert (problem.where, problem.found, problem.expected) == ("stages.audit", "the recipe has no stage audit", "it needs checks, gates too")


def test_stages_of_a_recipe_are_those_that_it_has_sections_for(bench: Any) -> None:
    assert "gate" not in bench.compose("small").sections["stages"]
    assert {"ingest", "split", "prepare", "train"} <= set(bench.compose("small").sections["stages"])


def test_a_section_that_no_stage_reads(bench: Any) -> None:
    bench.write(
        alone="mlforge: 1\ndefaults: [lifecycle, {source: csv}, {gates: [baseline]}, _self_]\nname: alone\nsource: {path: rows.csv}\ncontract: {columns: {y: {dtype: int}}}\n"
    )
    problem = next(problem for problem in bench.problems("alone") if problem.where == "gates")
    assert problem.found == "no stage reads it"


def test_all_problems_come_at_once(bench: Any) -> None:
    problems = bench.problems("small", "trainer.lr=x", "model=mlpp", "sead=1", "contract.columns.x.dtype=foat", "~nothing", "split.tset=1")
    assert {problem.where for problem in problems} == {"trainer.lr", "model", "sead", "contract.columns.x.dtype", "nothing", "split.tset"}


def test_missing_packages_are_told_with_the_pip_command_and_only_for_a_run(forest: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    forest.write(trees="mlforge: 1\ndefaults: [diabetes, {model: forest}, {override trainer: null}, _self_]\ntrainer: null\nexporters: {onnx: null}\n")
    monkeypatch.setattr("mlforge.recipe.checks._unread", lambda facts: iter(()))  # a model without a trainer is read by no stage
    recipe = forest.compose("trees")
    assert missing(recipe)["a-forest-that-nobody-has>=2"] == ("model",)
    with pytest.raises(MissingRequirement, match=r"model needs a-forest-that-nobody-has>=2, which is not installed\npip install 'a-forest"):
        compose("trees", [], forest.project, forest.catalog, for_run=True)


def test_a_missing_extra_of_mlforge_is_named_as_such(bench: Any) -> None:
    from mlforge.recipe.requirements import _installs

    assert _installs(["torch", "pytorch-lightning", "scikit-learn"]) == ["'mlforge[train]'", "'mlforge[sample]'"]


def test_an_unknown_option_of_a_plugin_that_is_required_and_missing_says_how_to_install_it(bench: Any) -> None:
    with pytest.raises(MissingRequirement, match=r"requires mlforge-acme>=2 \(command line\), which is not installed: pip install 'mlforge-acme>=2'$"):
        bench.compose("small", "requires=['mlforge-acme>=2']", "model=acme")


def test_packages_that_the_recipe_itself_requires(bench: Any) -> None:
    assert bench.compose("small", "requires=['pydantic>=2', 'nobody; python_version < \"3\"']").requires
    with pytest.raises(MissingRequirement) as told:
        bench.compose("small", "requires=[nobody-has-this, 'pydantic>=2', 'pydantic>=99']")
    assert "nobody-has-this (command line), which is not installed and pydantic>=99 (command line), and 2" in str(told.value)
    assert str(told.value).endswith(": pip install 'nobody-has-this' 'pydantic>=99'")


def test_a_split_that_does_not_suit_the_contract_is_told_before_anything_runs(bench: Any) -> None:
    told = bench.problem("small", "split=grouped")
    assert (told.where, told.found, told.expected) == ("split", "the contract has no column with the role group", "one")
    assert "role=group" in told.hint
    assert bench.problem("small", "split=time", "split.column=xx").found == "the contract has no column xx"
    told = bench.problem("small", "split=time", "split.column=y")
    assert (told.where, told.found, told.expected) == ("split.column", "y is of type category", "datetime, int or float")
    assert bench.problem("small", "+contract.columns.g={dtype: string, role: group}").hint == "Use split=grouped."
    assert bench.compose("small", "split=grouped", "+contract.columns.g={dtype: string, role: group}")


def test_a_split_looks_at_the_contract_as_it_is_after_protection(bench: Any) -> None:
    added = ["split=grouped", "+contract.columns.g={dtype: string, role: group}", "privacy=[drop]", "privacy.drop.columns=[g]"]
    assert bench.problem("small", *added).found == "the contract has no column with the role group"


def test_a_feature_that_no_transform_takes_is_told_with_its_type(bench: Any) -> None:
    told = bench.problem("small", "contract.columns.x.dtype=image")
    assert (told.where, told.found) == ("contract.columns.x", "image, and no entry of features takes it")
    for dtype in ("text", "datetime", "'array[float, 3]'", "string", "bool"):
        assert bench.compose("small", f"contract.columns.x.dtype={dtype}")


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        ("[xx]", "the contract has no column xx"),
        ("[y]", "y has the role target"),
        ("[x]", "x is of type float, which this transform does not take"),
    ],
)
def test_columns_that_a_transform_names_and_cannot_take(bench: Any, columns: str, found: str) -> None:
    told = bench.problem("small", "+features.hashing={use: hashing}", f"features.hashing.columns={columns}")
    assert (told.where, told.found) == ("features.hashing.columns", found)


def test_two_transforms_that_name_one_column(bench: Any) -> None:
    named = ["contract.columns.x.dtype=string", "+features.a={use: hashing, columns: [x]}", "+features.b={use: text, columns: [x]}"]
    told = bench.problem("small", *named)
    assert (told.where, told.found) == ("features.b.columns", "a names x too")


def test_times_are_written_as_dates_in_yaml(bench: Any) -> None:
    bench.write(
        dated="mlforge: 1\ndefaults: [small, {override split: time}, _self_]\nname: dated\nsplit: {by: column, validation_from: 2024-06-01, test_from: 2024-09-01T12:00+02:00, gap: 7d}\n"
        "contract: {columns: {t: {dtype: datetime, role: time}}}\n"
    )
    split = bench.compose("dated").sections["split"]
    assert (split.validation_from.isoformat(), split.test_from.isoformat(), split.gap) == ("2024-06-01T00:00:00", "2024-09-01T12:00:00+02:00", 604_800)
    assert bench.problem("dated", "split.test_from=soon").found == "a time is written as 2024-06-01 or 2024-06-01T12:00"
