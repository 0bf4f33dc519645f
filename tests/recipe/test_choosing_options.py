from __future__ import annotations

from typing import Any

import pytest

from mlforge.sections import SECTIONS


def child(body: str) -> str:
    return f"mlforge: 1\n{body}\n"


@pytest.mark.parametrize("item", ["{model: linear}", "{override model: linear}"])
def test_a_child_recipe_chooses_another_option_with_or_without_override(bench: Any, item: str) -> None:
    bench.write(other=child(f"defaults: [small, {item}, _self_]\nname: other"))
    recipe = bench.compose("other")
    assert recipe.options["model"] == "linear"
    assert str(recipe.origins["model.use"]).startswith("recipes/other.yaml:2:")


@pytest.mark.parametrize("item", ["{checks: [balance]}", "{override checks: [balance]}"])
def test_a_child_recipe_chooses_for_a_section_that_its_parent_does_not_list(bench: Any, item: str) -> None:
    bench.write(other=child(f"defaults: [small, {item}, _self_]\nname: other"))
    assert bench.compose("other").options["checks"] == {"balance": "balance"}


def test_the_childs_choice_wins_wherever_the_parent_stands_in_the_list(bench: Any) -> None:
    bench.write(other=child("defaults: [{model: linear}, small, _self_]\nname: other"))
    assert bench.compose("other").options["model"] == "linear"


@pytest.mark.parametrize("override", ["checks=[balance]", "checks=balance", "+checks=balance", "checks.balance.use=balance"])
def test_the_command_line_chooses_for_a_section_that_is_not_listed(bench: Any, override: str) -> None:
    recipe = bench.compose("small", override)
    assert recipe.options["checks"] == {"balance": "balance"}
    assert str(recipe.origins["checks.balance.use"]) == "command line"


def test_switching_keeps_the_keys_that_the_new_option_also_has_and_drops_the_others(bench: Any) -> None:
    bench.write(
        {"conf/split/mine.yaml": "defaults: [random, _self_]\ntest: 0.2\n"},
        tuned=child("defaults: [small, _self_]\nname: tuned\nmodel: {hidden: [64], dropout: 0.1}\nsplit: {test: 0.3}"),
    )
    recipe = bench.compose("tuned", "model=linear", "split=stratified")
    assert [(one.path, str(one.origin)) for one in recipe.dropped] == [
        ("model.hidden", "recipes/tuned.yaml:4:9"),
        ("model.dropout", "recipes/tuned.yaml:4:23"),
    ]
    assert recipe.plain["split"] == {"use": "stratified", "test": 0.3}


def test_a_misspelt_key_stays_a_mistake_when_the_option_is_switched(bench: Any) -> None:
    bench.write(tuned=child("defaults: [small, _self_]\nname: tuned\nmodel: {hiden: [64]}"))
    problem = bench.problem("tuned", "model=linear")
    assert problem.where == "model.hiden"
    assert problem.hint == "Did you mean hidden?"


def test_a_key_on_the_command_line_must_belong_to_the_option_chosen_there(bench: Any) -> None:
    assert bench.problem("small", "model=linear", "model.hidden=[3]").where == "model.hidden"


def test_deselecting_an_entry_drops_its_keys(bench: Any) -> None:
    recipe = bench.compose("adult", "source.path=rows.csv", "gates=[baseline]")
    assert recipe.options["gates"] == {"baseline": "baseline"}
    assert [one.path for one in recipe.dropped] == ["gates.thresholds.rules"]


@pytest.mark.parametrize(
    ("override", "left"),
    [
        ("~gates.baseline", ["thresholds", "no_regression"]),
        ("~gates=baseline", ["thresholds", "no_regression"]),
        ("gates.baseline=null", ["thresholds", "no_regression"]),
        ("+gates=[baseline]", ["thresholds", "baseline", "no_regression"]),
        ("gates.second={use: baseline}", ["thresholds", "baseline", "no_regression", "second"]),
        ("~gates", None),
        ("gates=null", None),
        ("gates=[]", None),
    ],
)
def test_entries_are_added_and_taken_away_on_the_command_line(bench: Any, override: str, left: list[str] | None) -> None:
    recipe = bench.compose("adult", "source.path=rows.csv", override)
    assert (list(recipe.options["gates"]) if "gates" in recipe.options else None) == left


def test_null_deletes_an_inherited_entry_a_rule_and_a_column(bench: Any) -> None:
    bench.write(
        other="""
        mlforge: 1
        defaults: [adult, _self_]
        source: {path: rows.csv}
        contract: {columns: {fnlwgt: null}}
        gates: {baseline: null, thresholds: {rules: {auc: null, loss: {finding: test/log_loss, max: 1}}}}
        """
    )
    recipe = bench.compose("other")
    assert list(recipe.options["gates"]) == ["thresholds", "no_regression"]
    assert "fnlwgt" not in recipe.contract.columns
    assert list(recipe.sections["gates"]["thresholds"].rules) == ["loss"]


def test_one_component_appears_twice_under_two_names(bench: Any) -> None:
    bench.write(other=child("defaults: [small, _self_]\nname: other\nfeatures: {few: {use: categorical, max_categories: 3}}"))
    recipe = bench.compose("other")
    assert recipe.options["features"] == {**{name: name for name in SECTIONS["features"].default}, "few": "categorical"}
    assert recipe.sections["features"]["few"].max_categories == 3


def test_features_are_added_to_a_recipe_with_a_model_that_does_not_list_them(bench: Any) -> None:
    recipe = bench.compose("small")
    assert list(recipe.sections["features"]) == ["numeric", "categorical", "dates", "text", "arrays"]
    assert str(recipe.origins["features.numeric.use"]) == "default of mlforge"
    assert list(bench.compose("small", "features=[numeric]").sections["features"]) == ["numeric"]


def test_a_preset_in_the_plural_lands_in_an_entry_of_its_own_name(bench: Any) -> None:
    bench.write({"conf/gates/strict.yaml": "defaults: [thresholds, _self_]\nrules: {a: {finding: test/roc_auc, min: 0.99}}\n"})
    recipe = bench.compose("adult", "source.path=rows.csv", "gates=[strict]")
    assert recipe.options["gates"] == {"strict": "strict"}
    assert recipe.uses["gates"] == {"strict": "thresholds"}
    assert str(recipe.origins["gates.strict.rules.a.min"]) == "conf/gates/strict.yaml:2:36"


def test_a_preset_may_take_the_name_of_the_component_it_builds_on(bench: Any) -> None:
    bench.write({"conf/model/mlp.yaml": "defaults: [mlp, _self_]\ndropout: 0.4\n"})
    recipe = bench.compose("small")
    assert recipe.sections["model"].dropout == 0.4
    assert recipe.shadows == ("conf/model/mlp.yaml hides model/mlp of mlforge",)


def test_a_presets_keys_go_when_another_component_is_named_in_the_body(bench: Any) -> None:
    bench.write(
        {"conf/model/big.yaml": "defaults: [mlp, _self_]\nhidden: [9]\n"},
        other=child("defaults: [small, {model: big}, _self_]\nname: other\nmodel: {use: linear}"),
    )
    recipe = bench.compose("other")
    assert recipe.uses["model"] == "linear"
    assert [one.path for one in recipe.dropped] == ["model.hidden"]


def test_the_command_line_beats_the_component_that_the_body_names(bench: Any) -> None:
    bench.write(other=child("defaults: [small, _self_]\nname: other\nmodel: {use: linear}"))
    assert bench.compose("other", "model=mlp").uses["model"] == "mlp"


def test_settings_of_a_stage_need_no_option(bench: Any) -> None:
    recipe = bench.compose("small", "stages.train.retries=2", "stages.ingest.timeout=2h")
    assert recipe.sections["stages"]["train"].retries == 2
    assert recipe.sections["stages"]["ingest"].timeout == 7200


def test_two_recipes_with_a_common_parent_may_be_joined(bench: Any) -> None:
    bench.write(
        left=child("defaults: [lifecycle, {model: linear}, _self_]\nseed: 5"),
        right=child("defaults: [lifecycle, {checks: [balance]}, _self_]\ndescription: right"),
        both=child("defaults: [small, left, right, _self_]\nname: both"),
    )
    recipe = bench.compose("both")
    assert (recipe.seed, recipe.description, recipe.options["model"]) == (5, "right", "linear")


def test_list_items_are_overridden_by_position(bench: Any) -> None:
    bench.write(other=child("defaults: [small, _self_]\nname: other\nmodel: {hidden: [8, 9]}"))
    assert bench.compose("other", "model.hidden.1=7").sections["model"].hidden == (8, 7)
