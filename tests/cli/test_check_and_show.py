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


def test_a_misspelt_section_has_its_near_name_before_the_line_is_cut_off(project):
    assert "Did you mean model?" in project.run("check", "breast_cancer", "modle=mlp").err


def test_a_recipe_whose_file_has_no_name_for_a_recipe_is_to_be_renamed(project):
    project.write({"recipes/my wine.yaml": "mlforge: 1\n"})
    result = project.run("check", "my wine")
    assert (result.code, "'my wine' is no name of a recipe" in result.err, "Rename its file." in result.err) == (2, True, True)


def test_a_file_that_is_not_there_is_a_line_and_no_problem(project):
    """A recipe may be checked where its data is not, as in CI."""
    project.write({"adults.csv": ""})
    result = project.run("check", "adult", "source.path=adult.csv")
    assert result.code == 0
    assert "source.path: there is no file" in result.out
    assert "Did you mean adults.csv?" in result.out
    assert "there is no file" not in project.run("check", "adult", "source.path=adults.csv").out


def test_a_plugin_of_the_project_that_is_broken_is_told(project):
    project.write({"mlforge.toml": 'plugins = ["nests"]\n'})
    fine = project.run("check", "breast_cancer")
    assert (fine.code, "plugin nests of mlforge.toml is broken" in fine.out) == (0, True)
    assert "It may be of nests, which is broken: ModuleNotFoundError" in project.run("check", "breast_cancer", "model=xyz").err


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
