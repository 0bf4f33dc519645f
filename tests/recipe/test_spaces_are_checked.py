"""A sweep's space is tried on the components before anything starts: every mistake is told at its place, with what would be right."""

from __future__ import annotations

import pytest

RECIPE = """
mlforge: 1
defaults:
  - lifecycle
  - source: csv
  - split: random
  - model: mlp
  - trainer: lightning
  - sweep: random
  - _self_
name: wide
source: {path: rows.csv}
contract:
  columns:
    a: {dtype: int}
    up: {dtype: category, role: target}
sweep:
  space:
    width: {key: model.hidden, choice: [[16], [32, 32]]}
    lr: {key: trainer.lr, loguniform: [1e-4, 1e-1]}
"""

LINE = "recipes/wide.yaml:18"  # of `width`


@pytest.fixture
def wide(project):
    return project.write({"rows.csv": "a,up\n1,yes\n"}, wide=RECIPE)


def test_a_sound_space_has_no_problems(wide):
    outcome = wide.run("check", "wide")
    assert outcome.code == 0, outcome.text


@pytest.mark.parametrize(("override", "told"), [
    ("sweep.space.lr.key=trainer.lrr", ["sweep.space.lr.key", "trainer.lrr is an unknown key", "Did you mean lr?"]),
    ("sweep.space.lr.key=trainr.lr", ["trainr.lr is nothing that a sweep can vary", "Did you mean trainer?"]),
    ("sweep.space.lr.key=stages.train.retries", ["stages.train.retries is nothing that a sweep can vary"]),
    ("sweep.space.lr.key=exporters.onx.opset", ["the recipe has no exporters.onx"]),
    ("sweep.space.lr.key=trainer.batch_size", ["sweep.space.lr.loguniform.0", "trainer.batch_size: 0.0001 is not an integer"]),
    ("sweep.space.lr.loguniform=[0, 0.1]", ["sweep.space.lr.loguniform", "the lower end 0 has no logarithm"]),
    ("sweep.space.lr.loguniform=[0.1, 0.01]", ["the lower end 0.1 is not below the upper end 0.01"]),
    ("sweep.space.lr.loguniform=[0.1]", ["sweep.space.lr.loguniform"]),
    ("sweep.space.lr.uniform=[0.1, 1]", ["uniform and loguniform at once", "exactly one of"]),
    ("sweep.space.lr.loguni=[1, 2]", ["unknown key", "Did you mean"]),
    ("sweep.space.drop={key: model.dropout, uniform: [0, 1.5]}", ["sweep.space.drop.uniform.1", "model.dropout: 1.5 is not less than 1"]),
    ("sweep.space.width.choice=[[16], [0]]", ["sweep.space.width.choice.1", "0 is less than 1"]),
    ("sweep.space.width.choice=[[16], wide]", ["sweep.space.width.choice.1", "is not a list"]),
    ("sweep.space.acts={key: model.activation, choice: [relu, tanhh]}", ["sweep.space.acts.choice.1", "'tanhh' is not allowed"]),
    ("sweep.space.twice={key: trainer.lr, uniform: [0.1, 0.2]}", ["trainer.lr is varied by lr too"]),
    ("sweep.space.m={key: model, choice: [mlp, mlpp]}", ["sweep.space.m.choice.1", "no such option: mlpp", "Did you mean mlp?"]),
    ("sweep.space.m={key: model, choice: [mlp, linear]}", ["sweep.space.width.key", "model.hidden is an unknown key; model/linear has"]),
    ("sweep.space.m={key: model, uniform: [0, 1]}", ["model is chosen among options, and uniform gives numbers"]),
    ("sweep.space.s={key: seed, uniform: [0, 1]}", ["is no seed"]),
    ("sweep.space.b={key: trainer.batch_size, uniform: [16, 64]}", ["trainer.batch_size"]),
    ("sweep.objectives={x: {finding: test/latency/p50}}", ["sweep.objectives.x.finding", "differs from one time to the next"]),
    ("sweep.objectives={x: {finding: test/accuracy}}", ["sweep.objectives.x.finding", "measured on the test rows", "validation/loss"]),
    ("sweep.objectives={x: {finding: validation/los}}", ["no trial measures validation/los", "Did you mean validation/loss?"]),
    ("sweep.objectives={x: {finding: validation/loss, mode: low}}", ["sweep.objectives.x.mode"]),
    ("sweep.constraints={x: {finding: bundle/size, max: 10}}", ["no trial measures bundle/size"]),
    ("sweep.constraints={x: {finding: validation/loss}}", ["give min, max or both"]),
    ("sweep.cost=10", ["cost is limited, and cost_per_hour is not given"]),
    ("sweep=grid", ["sweep.space.lr.loguniform", "has values without end", "sweep=random"]),
])  # fmt: skip
def test_a_mistake_in_the_space_is_told_at_its_place(wide, override, told):
    outcome = wide.run("check", "wide", override)
    assert outcome.code == 2, outcome.text
    for text in told:
        assert text in " ".join(outcome.text.split()), outcome.text


def test_a_time_may_be_the_second_objective(wide):
    goals = "sweep.objectives={good: {finding: validation/loss}, quick: {finding: test/latency/p50}}"
    outcome = wide.run("check", "wide", goals, "exporters=[onnx]", "evaluators=[classification, latency]")
    assert outcome.code == 0, outcome.text


def test_the_place_in_the_file_is_named(wide):
    recipe = wide.root / "recipes/wide.yaml"
    recipe.write_text(recipe.read_text().replace("model.hidden", "model.hiden"))
    text = wide.run("check", "wide").text
    assert LINE in text
    assert "Did you mean hidden?" in text


def test_without_a_space_the_model_and_the_trainer_propose_one_and_entries_without_a_key_amend_it(wide):
    recipe = wide.root / "recipes/wide.yaml"
    recipe.write_text(recipe.read_text().partition("sweep:\n  space")[0])
    shown = wide.run("show", "wide", "sweep.space", "--json").json["values"]
    keys = {one["value"] for one in shown if one["path"].endswith(".key")}
    assert keys >= {"model.hidden", "model.dropout", "trainer.lr"}
    amended = wide.run("show", "wide", "sweep.space", "sweep.space.dropout.choice=[0, 0.1]", "sweep.space.hidden=null").text
    assert "choice: [0, 0.1]" in amended
    assert "model.hidden" not in amended
    assert "trainer.lr" in amended
    assert wide.run("check", "wide", "sweep.space.droput.choice=[0]").code == 2
    nothing = wide.run("check", "wide", "model=linear", "sweep.space.lr=null", "sweep.space.weight_decay=null")
    assert nothing.code == 2
    assert "nothing to vary" in nothing.text


def test_a_field_that_may_be_null_takes_numbers_too(wide):
    assert wide.run("check", "wide", "sweep.space.lr.key=trainer.ema").code == 0


@pytest.mark.parametrize(("overrides", "space"), [
    (["model=mlp,linear"], {"model": {"key": "model", "choice": ["mlp", "linear"]}}),
    (["trainer.lr=1e-3,1e-4"], {"trainer_lr": {"key": "trainer.lr", "choice": [0.001, 0.0001]}}),
    (["trainer.batch_size=range(16,64,16)"], {"trainer_batch_size": {"key": "trainer.batch_size", "choice": [16, 32, 48]}}),
    (["sweep=random", "trainer.lr=interval(0.1,0.2)"], {"trainer_lr": {"key": "trainer.lr", "uniform": [0.1, 0.2]}}),
])  # fmt: skip
def test_commas_become_a_space(overrides, space):
    from mlforge.recipe.commas import expanded
    from mlforge.recipe.overrides import parse

    said = parse(expanded(overrides), [])
    assert not said.problems
    assert next(one.value.plain() for one in said.items if one.path == ("sweep", "space")) == space
    assert [one.options for one in said.items if one.path == ("sweep",)] == [("random",) if "sweep=random" in overrides else ("grid",)]


@pytest.mark.parametrize("override", ["name='a,b'", "model.hidden=[1,2]", "sweep.space={a: {key: b, choice: [1, 2]}}", "description='two (or more), words'"])
def test_commas_within_a_value_are_no_sweep(override):
    from mlforge.recipe.commas import expanded

    assert expanded([override]) == (override,)


@pytest.mark.parametrize("value", [
    1, -2.5, 1e-7, 1e22, True, None, "mlp", "a b", "it's", "back\\slash", "end\\", "\\'", "true", "null", "1e3", "", "a,b", "${x}", "[1]", "ünï",
    [1, [2, "x"]], {"a": 1, "b": [True, "y z"]}, [],
])  # fmt: skip
def test_a_value_that_is_spelled_out_is_read_back_the_same(value):
    from hydra.core.override_parser.overrides_parser import OverridesParser

    from mlforge.recipe import spelled
    from mlforge.recipe.node import from_plain

    parsed = OverridesParser.create().parse_override(spelled("key", value))
    read = from_plain(parsed.value()).plain()
    assert read == value
    assert type(read) is type(value)
