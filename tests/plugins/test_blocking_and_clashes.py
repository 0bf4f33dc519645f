"""Plugins left out on purpose, and plugins that claim the same thing."""

from __future__ import annotations

import pytest

from mlforge.errors import RecipeError

HEAD = "from mlforge.hookspecs import hookimpl\n"


def provides(**references: str) -> str:
    table = {name.replace("__", "/"): reference for name, reference in references.items()}
    return HEAD + f"@hookimpl\ndef mlforge_components():\n    return {table!r}\n"


def test_a_blocked_plugin_is_listed_as_such_and_provides_nothing(workshop, monkeypatch):
    project = workshop.local(mine=provides(model__one="x:X"))
    monkeypatch.setenv("MLFORGE_BLOCK_PLUGINS", "other, mine")
    assert (workshop.state("mine", project).state, workshop.state("mine", project).reason) == ("blocked", "by MLFORGE_BLOCK_PLUGINS")
    assert "one" not in workshop.catalog(project).options("model")
    monkeypatch.delenv("MLFORGE_BLOCK_PLUGINS")
    assert "one" in workshop.catalog(project).options("model")


def test_a_blocked_plugin_is_not_even_asked(workshop, monkeypatch):
    mark = workshop.root / "mark"
    monkeypatch.setenv("MLFORGE_BLOCK_PLUGINS", "mine")
    workshop.catalog(workshop.local(mine=f"open({str(mark)!r}, 'w')\n" + provides()))
    assert not mark.exists()


def test_an_installed_plugin_can_be_blocked_by_its_entry_point_too(workshop, monkeypatch):
    workshop.install("mlforge-acme", {"mlforge_acme.py": provides(model__one="x:X")}, entry="acme")
    monkeypatch.setenv("MLFORGE_BLOCK_PLUGINS", "acme")
    assert workshop.state("mlforge-acme").state == "blocked"


def test_mlforge_itself_cannot_be_blocked(workshop, monkeypatch):
    monkeypatch.setenv("MLFORGE_BLOCK_PLUGINS", "mlforge,builtin")
    assert "linear" in workshop.catalog().options("model")


def test_two_plugins_with_one_option_are_a_clash_that_names_both(workshop):
    workshop.install("mlforge-one", {"mlforge_one.py": provides(model__boost="one:X")}, version="1.0")
    workshop.install("mlforge-two", {"mlforge_two.py": provides(model__boost="two:X")}, version="2.0")
    found = workshop.catalog()
    assert [str(clash) for clash in found.clashes] == ["model/boost is provided by mlforge-one 1.0 and by mlforge-two 2.0"]
    with pytest.raises(RecipeError, match=r"mlforge-one 1\.0 and by mlforge-two 2\.0"):
        found.load("model", "boost")


def test_a_plugin_cannot_silently_replace_a_built_in_component(workshop):
    found = workshop.catalog(workshop.local(mine=provides(model__linear="mine:X")))
    assert [str(clash) for clash in found.clashes] == ["model/linear is provided by mlforge 0.1.0 and by mine local"]
    assert found.load("model", "mlp").__name__ == "Mlp"


def test_two_entry_points_of_one_name_are_a_clash_that_names_both(workshop):
    workshop.install("mlforge-one", {"mlforge_one.py": provides(model__a="one:X")}, entry="boost")
    workshop.install("mlforge-two", {"mlforge_two.py": provides(model__b="two:X")}, entry="boost")
    one, two = workshop.state("mlforge-one"), workshop.state("mlforge-two")
    assert (one.state, two.state) == ("clash", "clash")
    assert "mlforge-two 1.0" in one.reason
    assert "mlforge-one 1.0" in two.reason


def test_blocking_one_of_two_that_clash_lets_the_other_work(workshop, monkeypatch):
    workshop.install("mlforge-one", {"mlforge_one.py": provides(model__a="one:X")}, entry="boost")
    workshop.install("mlforge-two", {"mlforge_two.py": provides(model__b="two:X")}, entry="boost")
    monkeypatch.setenv("MLFORGE_BLOCK_PLUGINS", "mlforge-one")
    assert workshop.state("mlforge-two").state == "ok"
