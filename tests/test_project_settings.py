"""A project's settings: where they are found, and what is said of wrong ones."""

from __future__ import annotations

import os

import pytest

from mlforge.errors import RecipeError
from mlforge.project import Project


def test_a_folder_without_settings_is_its_own_project(tmp_path):
    found = Project.find(tmp_path)
    assert (found.root, found.roots, found.plugins, found.store) == (tmp_path, (tmp_path,), (), None)
    assert (found.recipes, found.conf, found.state) == (tmp_path / "recipes", tmp_path / "conf", tmp_path / ".mlforge")


def test_a_project_without_settings_is_found_from_a_folder_below_by_its_store(tmp_path):
    """A folder with recipes of its own, or with settings, comes first; a store in the user's home makes no project of all that lies below."""
    (tmp_path / ".mlforge").mkdir()
    below = tmp_path / "a" / "b"
    (below / "recipes").mkdir(parents=True)
    assert Project.find(tmp_path / "a").root == tmp_path
    assert Project.find(below).root == below
    assert Project.find(below / "recipes").root == below / "recipes"
    (tmp_path.parent / "mlforge.toml").write_text("")
    try:
        assert Project.find(tmp_path / "a").root == tmp_path.parent
    finally:
        (tmp_path.parent / "mlforge.toml").unlink()


def test_a_store_in_the_home_makes_no_project_of_what_lies_below(tmp_path, monkeypatch):
    (tmp_path / ".mlforge").mkdir()
    (tmp_path / "a").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Project.find(tmp_path / "a").root == tmp_path / "a"
    assert Project.find(tmp_path).root == tmp_path


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root can give a folder to somebody else")
def test_the_store_of_somebody_else_makes_no_project(tmp_path):
    (tmp_path / ".mlforge").mkdir()
    (tmp_path / "a").mkdir()
    os.chown(tmp_path / ".mlforge", 12345, -1)
    assert Project.find(tmp_path / "a").root == tmp_path / "a"


@pytest.mark.parametrize(("name", "head"), [("mlforge.toml", ""), ("pyproject.toml", "[project]\nname = 'x'\n[tool.mlforge]\n")])
def test_settings_are_found_from_a_folder_below(tmp_path, name, head):
    (tmp_path / name).write_text(head + 'plugins = ["mine"]\nroots = [".", "../data"]\nenv = ["TOKEN"]\nstore = "s3://bucket/x"\n')
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    found = Project.find(below)
    assert (found.root, found.plugins, found.env, found.store) == (tmp_path, ("mine",), ("TOKEN",), "s3://bucket/x")
    assert found.roots == (tmp_path, tmp_path.parent / "data")


def test_a_pyproject_that_says_nothing_of_mlforge_is_passed_by(tmp_path):
    (tmp_path / "mlforge.toml").write_text("")
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "pyproject.toml").write_text("this is [not toml\n")
    assert Project.find(inner).root == tmp_path


def test_every_wrong_setting_is_told_with_its_line_and_a_near_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text('[tool.mlforge]\nplugin = ["a"]\nroots = "data"\nenv = ["NOT-A-NAME"]\nstore = 3\n')
    with pytest.raises(RecipeError) as caught:
        Project.find(tmp_path)
    found = {problem.where: (str(problem.origin), problem.hint) for problem in caught.value.problems}
    assert found == {
        "tool.mlforge.plugin": ("pyproject.toml:2", "Did you mean plugins?"),
        "tool.mlforge.roots": ("pyproject.toml:3", ""),
        "tool.mlforge.env": ("pyproject.toml:4", ""),
        "tool.mlforge.store": ("pyproject.toml:5", ""),
    }


def test_a_misspelt_setting_of_signing_is_told_with_a_near_name(tmp_path):
    (tmp_path / "mlforge.toml").write_text('[signing]\nkye = "ops.pem"\n')
    with pytest.raises(RecipeError, match=r"no key 'kye' in it; there are key, .*\. Did you mean key\?"):
        Project.find(tmp_path)


@pytest.mark.parametrize("plugin", ["../evil", "a b", "os;x", "", "a..b", 3])
def test_a_plugin_must_be_named_as_a_module(tmp_path, plugin):
    (tmp_path / "mlforge.toml").write_text(f"plugins = [{plugin!r}]\n")
    with pytest.raises(RecipeError, match="a list of modules"):
        Project.find(tmp_path)


def test_settings_that_do_not_parse_are_told_with_their_line(tmp_path):
    (tmp_path / "mlforge.toml").write_text("plugins = 1 2\n")
    with pytest.raises(RecipeError, match=r"mlforge\.toml: does not parse as TOML: .*line"):
        Project.find(tmp_path)


def test_the_settings_say_who_may_sign_as_what(tmp_path):
    (tmp_path / "mlforge.toml").write_text('[roles]\nrisk = ["alice", "bob"]\nlegal-team = ["carol"]\n')
    assert Project.find(tmp_path).roles == {"risk": ("alice", "bob"), "legal-team": ("carol",)}


@pytest.mark.parametrize("roles", ['roles = ["risk"]', '[roles]\nrisk = "alice"', "[roles]\nrisk = []", '[roles]\n"a b" = ["alice"]', '[roles]\nrisk = [""]'])
def test_roles_that_make_no_sense_are_told(tmp_path, roles):
    (tmp_path / "mlforge.toml").write_text(roles)
    with pytest.raises(RecipeError, match="roles"):
        Project.find(tmp_path)
