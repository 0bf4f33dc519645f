# ruff: noqa: E501  a case reads better in one line
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from mlforge.plugins import Catalog
from mlforge.project import Project
from mlforge.recipe import json_schema
from mlforge.recipe.yaml import parse
from mlforge.sections import TOP

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = sorted((ROOT / "recipes").glob("*.yaml")) + sorted((ROOT / "conf").glob("*.yaml"))
BROKEN = sorted((Path(__file__).parent / "broken").glob("*.yaml"))

KINDS = (
    "unknown_section",
    "unknown_top",
    "unknown_key",
    "wrong_value",
    "wrong_choice",
    "column_dtype_unknown_x",
    "column_role",
    "column_nullable",
    "seed_",
    "task_",
    "defaults_unknown",
)
"""Broken recipes whose fault is in the file itself, so that an editor can show it without composing."""


@pytest.fixture(scope="module")
def schema(shipped: Catalog) -> dict[str, Any]:
    return json_schema(Project(ROOT), shipped)


@pytest.fixture(scope="module")
def validator(schema: dict[str, Any]) -> Draft202012Validator:
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def read(file: Path) -> Any:
    return parse(file.read_text(encoding="utf-8"), file.name).root.plain()


@pytest.mark.parametrize("file", SHIPPED, ids=[file.stem for file in SHIPPED])
def test_every_shipped_recipe_is_valid(validator: Draft202012Validator, file: Path) -> None:
    assert [error.message for error in validator.iter_errors(read(file))] == []


@pytest.mark.parametrize("file", [file for file in BROKEN if file.stem.startswith(KINDS)], ids=lambda file: file.stem)
def test_an_editor_sees_what_is_wrong_in_the_file_itself(validator: Draft202012Validator, file: Path) -> None:
    if "# override:" in file.read_text(encoding="utf-8"):
        pytest.skip("the fault is on the command line")
    assert not validator.is_valid(read(file))


@pytest.mark.parametrize(
    "text",
    ["trainer: {lr: ???}", "trainer: {max_epochs: '${seed}'}", "gates: {baseline: null}", "contract: {columns: {x: null}}", "trainer: {checkpoint_every: 2h}", "contract: {max_rejected: 1%}", "model: null"],
)  # fmt: skip
def test_what_a_recipe_may_also_say_is_valid(validator: Draft202012Validator, text: str) -> None:
    assert [error.message for error in validator.iter_errors(parse(f"mlforge: 1\n{text}\n", "x").root.plain())] == []


def test_it_completes_sections_options_and_fields_with_their_descriptions(schema: dict[str, Any]) -> None:
    assert set(TOP) <= set(schema["properties"])
    trainer = schema["properties"]["trainer"]["anyOf"][0]["properties"]
    assert trainer["use"]["enum"] == ["estimator", "lightning"]
    assert "how often to go through the training rows" in trainer["max_epochs"]["description"]
    choices = schema["properties"]["defaults"]["items"]["anyOf"][1]["properties"]
    assert "mlp" in json.dumps(choices["model"])


def test_with_use_only_the_keys_of_that_component_are_valid(validator: Draft202012Validator) -> None:
    assert validator.is_valid({"mlforge": 1, "model": {"use": "mlp", "dropout": 0.1}})
    assert not validator.is_valid({"mlforge": 1, "model": {"use": "linear", "dropout": 0.1}})


def test_the_same_plugins_give_the_same_bytes(shipped: Catalog, schema: dict[str, Any]) -> None:
    assert json.dumps(json_schema(Project(ROOT), shipped)) == json.dumps(schema)
