"""check and show at the command line; what they say of recipes is tested where recipes are."""

from __future__ import annotations

import pytest

PLUGIN = """
from mlforge.errors import Problem
from mlforge.hookspecs import hookimpl

@hookimpl
def mlforge_check(recipe):
    if recipe["name"] == "breast_cancer":
        return [Problem("name", "our rules want a team's name", hint="Try: team_breast_cancer")]
    return []
"""


def test_a_good_recipe_is_said_to_be_fine(project):
    result = project.run("check", "breast_cancer")
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith("breast_cancer is fine: classification, 31 columns, 30 of them features.")


def test_every_problem_is_reported_at_once_with_a_near_name(project):
    result = project.run("check", "breast_cancer", "trainer.max_epoch=5", "model=mlpp")
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("2 problems in recipe breast_cancer\n\n")
    assert "Did you mean max_epochs?" in result.err
    assert "Did you mean mlp?" in result.err
    assert len(result.err.splitlines()) <= 15


def test_problems_as_json_come_on_stdout_with_the_same_exit_code(project):
    result = project.run("check", "breast_cancer", "trainer.max_epoch=5", "--json")
    assert result.code == 2
    assert result.json["ok"] is False
    assert [(one["where"], one["origin"], one["hint"]) for one in result.json["problems"]] == [
        ("trainer.max_epoch", "command line", "Did you mean max_epochs?")
    ]
    assert project.run("check", "breast_cancer", "--json").json == {"recipe": "breast_cancer", "ok": True, "problems": [], "missing": {}, "deprecations": []}


def test_a_plugins_objections_count_as_problems(project):
    project.write({"mlforge.toml": 'plugins = ["strict_rules"]\n', "strict_rules.py": PLUGIN})
    result = project.run("check", "breast_cancer")
    assert result.code == 2
    assert "our rules want a team's name. Try: team_breast_cancer" in result.err
    assert project.run("check", "breast_cancer", "name=ours").code == 0


def test_what_is_switched_away_is_listed(project):
    project.write(
        mine="""
            # Mine
            mlforge: 1
            defaults: [breast_cancer, {override model: mlp}, _self_]
            model: {hidden: [8]}
        """
    )
    result = project.run("check", "mine", "model=linear")
    assert result.code == 0, result.err
    assert "dropped model.hidden" in result.out


def test_show_prints_values_with_their_origins(project):
    result = project.run("show", "breast_cancer", "trainer.max_epochs=7")
    assert result.code == 0
    line = next(line for line in result.out.splitlines() if line.strip().startswith("max_epochs"))
    assert "7" in line
    assert "command line" in line


def test_show_prints_one_key(project):
    result = project.run("show", "breast_cancer", "trainer.max_epochs", "trainer.max_epochs=7", "--json")
    assert [(row["path"], row["value"], row["origin"]) for row in result.json["values"]] == [("trainer.max_epochs", 7, "command line")]


def test_show_answers_an_unknown_key_with_the_near_one(project):
    result = project.run("show", "breast_cancer", "trainer.max_epoch")
    assert result.code == 2
    assert "Did you mean trainer.max_epochs?" in result.err


@pytest.mark.parametrize(("arguments", "said"), [([], "name a recipe"), (["breast_cancer", "model", "split"], "one key at a time")])
def test_show_says_what_it_needs(project, arguments, said):
    result = project.run("show", *arguments)
    assert result.code == 2
    assert said in result.err


def test_show_prints_a_schema_that_knows_a_local_plugins_component(project):
    project.write(
        {
            "mlforge.toml": 'plugins = ["tides"]\n',
            "tides.py": "from mlforge.hookspecs import hookimpl\n@hookimpl\ndef mlforge_components():\n    return {'source/tide': 'tides_parts:Tide'}\n",
            "tides_parts.py": """
                from mlforge.components import Source

                class Tide(Source):
                    "Water."
                    height: float = 1.0

                    def fingerprint(self):
                        return "tide"

                    def scan(self):
                        raise NotImplementedError
            """,
        }
    )
    result = project.run("show", "--json-schema")
    assert result.code == 0, result.err
    assert "height" in result.out
    assert result.json["title"] == "mlforge recipe"
