from __future__ import annotations

import json
from typing import Any

import pytest

from mlforge.errors import RecipeError
from mlforge.recipe import show

CHILD = """
mlforge: 1
defaults: [small, _self_]
name: child
trainer: {max_epochs: 7}
"""


def test_every_value_says_where_it_came_from_and_what_it_displaced(bench: Any) -> None:
    bench.write(parent=CHILD.replace("child", "parent").replace("7", "5"), child=CHILD.replace("small", "parent"))
    recipe = bench.compose("child", "trainer.max_epochs=9")
    assert str(recipe.origins["trainer.max_epochs"]) == "command line"
    assert [(old.value, str(old.origin)) for old in recipe.displaced["trainer.max_epochs"]] == [(7, "recipes/child.yaml:4:11"), (5, "recipes/parent.yaml:4:11")]
    assert str(recipe.origins["contract.columns.y.role"]) == "recipes/small.yaml:5:62"


def test_show_gives_defaults_of_components_with_their_origin(bench: Any) -> None:
    lines = show(bench.compose("small"), "trainer.lr").lines()
    assert len(lines) == 1
    assert lines[0].split() == ["0.001", "#", "default", "of", "mlforge", "lightning"]


def test_show_lists_what_was_dropped_and_displaced(bench: Any) -> None:
    bench.write(child=CHILD + "model: {dropout: 0.2}\n")
    text = "\n".join(show(bench.compose("child", "model=linear", "trainer.max_epochs=3")).lines())
    assert "max_epochs: 3" in text
    assert "# command line; instead of 7 (recipes/child.yaml:4:11)" in text
    assert "# dropped: model.dropout (recipes/child.yaml:5:9): model is linear and no longer mlp" in text


def test_what_show_prints_is_the_recipe_as_yaml(bench: Any) -> None:
    from mlforge.recipe.yaml import parse

    recipe = bench.compose("adult", "source.path=rows.csv")
    shown: Any = parse("\n".join(show(recipe).lines()), "shown").root.plain()
    plain: Any = recipe.plain
    assert shown["contract"] == plain["contract"]
    assert shown["gates"]["thresholds"]["rules"]["auc"]["min"] == plain["gates"]["thresholds"]["rules"]["auc"]["min"]


def test_json_of_show_has_each_value_once(bench: Any) -> None:
    data = show(bench.compose("small", "seed=3")).data()
    json.dumps(data)
    rows = {row["path"]: row for row in data["values"]}  # type: ignore[union-attr,index,call-overload]
    assert len(rows) == len(data["values"])  # type: ignore[arg-type]
    assert rows["seed"] == {"path": "seed", "value": 3, "origin": "command line", "displaced": [{"value": 0, "origin": rows["seed"]["displaced"][0]["origin"]}]}


def test_a_key_that_is_not_there_gets_a_near_name(bench: Any) -> None:
    with pytest.raises(RecipeError, match=r"Did you mean trainer\.max_epochs\?"):
        show(bench.compose("small"), "trainer.max_epoch")


def test_values_of_the_environment_are_masked_and_not_recorded(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEPARATOR_OF_MINE", "hunter2-hunter2")
    monkeypatch.setenv("EPOCHS_OF_MINE", "12")
    bench.configured(env=("SEPARATOR_OF_MINE", "EPOCHS_OF_MINE"))
    bench.write(child=CHILD.replace("7", "'${oc.env:EPOCHS_OF_MINE}'") + "description: ${oc.env:SEPARATOR_OF_MINE}\n")
    recipe = bench.compose("child")
    assert recipe.sections["trainer"].max_epochs == 12
    assert recipe.description == "hunter2-hunter2"
    assert "hunter2" not in json.dumps(recipe.plain)
    assert "hunter2" not in "\n".join(show(recipe).lines()) + json.dumps(show(recipe).data())
    problem = bench.problem("child", "model.activation=${oc.env:SEPARATOR_OF_MINE}")
    assert "hunter2" not in f"{problem.found} {problem.expected} {problem.hint}"


def test_references_between_keys_are_followed(bench: Any) -> None:
    bench.write(child=CHILD + "seed: ${trainer.max_epochs}\ndescription: '${name} with seed ${seed}'\n")
    recipe = bench.compose("child")
    assert (recipe.seed, recipe.description) == (7, "child with seed 7")


@pytest.mark.parametrize(
    ("text", "found"),
    [("${nmae}", "refers to a key that is not there"), ("${description}", "refers to itself"), ("x ${model} y", "is not a single value")],
)
def test_references_that_lead_nowhere(bench: Any, text: str, found: str) -> None:
    bench.write(child=CHILD + f"description: '{text}'\n")
    assert any(found in problem.found for problem in bench.problems("child"))


def test_references_cannot_expand_without_bound(bench: Any) -> None:
    names = ["description", *(f"contract.columns.c{n}.description" for n in range(30))]
    overrides = [f"{name}='${{{following}}}${{{following}}}'" for name, following in zip(names, [*names[1:], "name"], strict=True)]
    assert any("references" in problem.found for problem in bench.problems("small", *overrides))
