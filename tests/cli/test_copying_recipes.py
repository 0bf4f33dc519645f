"""`mlforge cp`: a recipe of one's own from one that is there."""

from __future__ import annotations

import pytest
from tests.end_to_end.test_shipped_recipes import RECIPES

from mlforge.cli.cp import renamed
from mlforge.errors import RecipeError
from mlforge.plugins import catalog
from mlforge.project import Project
from mlforge.recipe import compose


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_copy_of_a_shipped_recipe_is_the_recipe_under_another_name(project, recipe):
    outcome = project.run("cp", recipe, "mine")
    assert outcome.code == 0, outcome.text
    assert f"Wrote recipes/mine.yaml, from {recipe} of mlforge." in outcome.out
    plain = []
    for name in (recipe, "mine"):
        place = Project(project.root)
        try:
            plain.append({**compose(name, [], place, catalog(place)).plain, "name": ""})
        except RecipeError as error:
            plain.append([(problem.where, problem.found) for problem in error.problems])
    assert plain[0] == plain[1]


def test_comments_and_layout_are_kept(project):
    text = "# Mine.\n#   mlforge run first  # and more of first\nmlforge: 1\n\ndefaults: [breast_cancer,   _self_]\nname: 'first'   # its name\n# the end\n"
    project.write({"recipes/first.yaml": text})
    assert project.run("cp", "first", "recipes/second.yaml").code == 0
    made = (project.root / "recipes/second.yaml").read_text()
    assert made == text.replace("run first ", "run second ").replace("'first'", "second")
    assert project.run("check", "second").out.startswith("second is fine")


def test_what_the_original_leaves_open_is_named(project):
    outcome = project.run("cp", "adult", "mine")
    assert outcome.out == "Wrote recipes/mine.yaml, from adult of mlforge. Next: mlforge check mine source.path=…\n"
    project.write({"rows.csv": "age\n1\n"})
    assert project.run("check", "mine", "source.path=rows.csv").out.startswith("mine is fine")


def test_a_copy_elsewhere_is_run_by_its_path(project):
    assert project.run("cp", "breast_cancer", "here.yaml").out.endswith("Next: mlforge check ./here.yaml\n")
    assert project.run("check", "./here.yaml").out.startswith("here is fine")
    assert project.run("cp", "./here.yaml", "there").code == 0
    assert project.run("check", "there").out.startswith("there is fine")


def test_a_file_that_is_there_is_not_touched(project):
    project.write(mine="# precious\n")
    outcome = project.run("cp", "adult", "mine")
    assert (outcome.code, outcome.err.partition("\n")[0]) == (2, "cp: recipes/mine.yaml is there already, and was not touched")
    assert (project.root / "recipes/mine.yaml").read_text() == "# precious\n"


def test_a_preset_is_copied_too(project):
    project.write({"conf/model/big.yaml": "# Big.\ndefaults: [mlp, _self_]\nhidden: [512]\n"})
    assert project.run("cp", "model/big", "bigger").out == "Wrote conf/model/bigger.yaml, from model/big of project.\n"
    assert project.run("check", "breast_cancer", "model=bigger").code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("adlut", "mine"), "cp: no recipe 'adlut'\nDid you mean adult?"),
        (("model/mlp", "mine"), "cp: model/mlp is a component, not a file\nMake a preset of it"),
        (("model/mpl", "mine"), "cp: no preset model/mpl\nDid you mean mlp?"),
        (("modle/mlp", "mine"), "cp: no section modle\nDid you mean model?"),
        (("adult", "my recipe"), "cp: my recipe is no name for a recipe"),
        (("adult", "mine.txt"), "cp: mine.txt is no name for a recipe"),
        (("nowhere.yaml", "mine"), "cp: no recipe 'nowhere.yaml'"),
    ],
)
def test_what_cannot_be_copied_is_told(project, arguments, said):
    outcome = project.run("cp", *arguments)
    assert outcome.code == 2, outcome.text
    assert said in outcome.err
    assert not list(project.root.rglob("*.y*ml"))


def test_a_recipe_says_where_it_comes_from(project):
    rows = {row["name"]: row["provider"] for row in project.write(mine="# Mine\nmlforge: 1\n").run("ls", "recipes", "--json").json}
    assert (rows["mine"], rows["adult"]) == ("project", "mlforge 0.1.0")


def test_only_the_name_itself_is_changed():
    text = "# mlforge run adult, mlforge run adult_resnet, adult\nname: adult\nother: {name: adult}\n  name: adult\n"
    made = renamed(text, "adult", "mine")
    assert made == "# mlforge run mine, mlforge run adult_resnet, adult\nname: mine\nother: {name: adult}\n  name: adult\n"
