"""A store may lie in another folder: a recipe, the project's settings or the command line say so."""

from __future__ import annotations

import pytest

RECIPE = """
    # Wine, ingested.
    mlforge: 1
    defaults: [lifecycle, {source: sample}, _self_]
    name: cellar
    task: classification
    source: {name: wine}
    contract: {extra: drop, columns: {target: {dtype: category, role: target}}}
"""


def runs(project, *arguments, **env):
    outcome = project.run("runs", "--json", *arguments, **env)
    assert outcome.code == 0, outcome.text
    return [record["recipe"] for record in outcome.json]


def test_a_recipe_may_name_a_folder(project):
    project.write(cellar=RECIPE)
    assert project.run("run", "cellar", "store=elsewhere").code == 0
    assert (project.root / "elsewhere" / "artifacts").is_dir()
    assert runs(project) == []
    assert runs(project, "--store", "elsewhere") == ["cellar"]


def test_the_project_may_name_a_folder_below_its_root(project):
    project.write({"mlforge.toml": 'store = "kept/here"\n'}, cellar=RECIPE)
    below = project.root / "recipes"
    assert project.command("run", "cellar", cwd=below).code == 0
    assert (project.root / "kept/here/records.db").is_file()
    assert runs(project) == ["cellar"]


def test_the_project_may_take_it_from_an_allowed_variable(project):
    project.write({"mlforge.toml": 'store = "${oc.env:PLACE}"\nenv = ["PLACE"]\n'}, cellar=RECIPE)
    url = f"sqlite:///{project.root}/records.db"
    assert project.run("run", "cellar", PLACE=url).code == 0
    assert (project.root / "records.db").is_file()
    assert runs(project, PLACE=url) == ["cellar"]


@pytest.mark.parametrize(("env", "why"), [("[]", "is not among those that the project allows"), ('["PLACE"]', "is not set")])
def test_a_variable_that_is_not_there_is_named(project, env, why):
    project.write({"mlforge.toml": f'store = "${{oc.env:PLACE}}"\nenv = {env}\n'})
    outcome = project.run("runs")
    assert outcome.code == 2
    assert f"PLACE {why}" in outcome.text
