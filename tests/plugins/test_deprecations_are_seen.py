"""What will go says so: hooks, their arguments and components' fields, with the version and what to write instead, once a command."""

from __future__ import annotations

import sys

import pluggy
import pytest

from mlforge import hookspecs
from mlforge.errors import Deprecation
from mlforge.plugins import ask

HEAD = "from mlforge.hookspecs import hookimpl\n"
COMPONENTS = HEAD + "@hookimpl\ndef mlforge_components():\n    return {'source/waves': 'sea:Waves'}\n"
SEA = '''
from typing import Annotated
from pydantic import Field
from mlforge.components import Deprecated, Source

class Waves(Source):
    """Waves."""

    count: int = Field(default=3, ge=1, description="how many")
    rows: Annotated[int | None, Deprecated("0.3", "write count")] = Field(default=None, description="the old name of count")

    def fingerprint(self):
        return "waves"

    def scan(self):
        import polars as pl
        return pl.LazyFrame({"x": [float(i) for i in range(self.rows or self.count)]})
'''
RECIPE = "mlforge: 1\ndefaults: [lifecycle, source: waves, _self_]\nname: mine\nsource: {{{keys}}}\ncontract: {{columns: {{x: {{dtype: float}}}}}}\n"
LINE = "source.rows (recipes/mine.yaml:4:10) is deprecated since sea 0.3: write count"


@pytest.fixture
def sea(project):
    project.write({"mlforge.toml": "plugins = ['shore']\n", "shore.py": COMPONENTS, "sea.py": SEA}, mine=RECIPE.format(keys="rows: 7"))
    return project


@pytest.mark.parametrize("arguments", [("check", "mine"), ("plan", "mine"), ("run", "mine", "--only", "ingest")])
def test_a_field_that_a_recipe_writes_is_told_once_with_its_place(sea, arguments):
    outcome = sea.command(*arguments)
    assert outcome.code == 0, outcome.text
    assert outcome.err.count("deprecated") == 1
    assert LINE in outcome.err


def test_a_field_that_no_recipe_writes_is_not_told_of(sea):
    outcome = sea.write(mine=RECIPE.format(keys="count: 7")).command("check", "mine")
    assert (outcome.code, outcome.err) == (0, "")


def test_a_program_sees_it_too_and_an_editor_strikes_it_through(sea):
    assert sea.run("check", "mine", "--json").json["deprecations"] == [LINE]
    assert '"deprecated": true' in sea.run("show", "--json-schema").out


@pytest.fixture
def older(monkeypatch):
    """Hooks of which one, and an argument of another, are deprecated, as a later mlforge would have them."""
    spec = pluggy.HookspecMarker("mlforge")

    def mlforge_note(text: str) -> None:
        """An old hook."""

    def mlforge_event(event: str, subject: str, details: object, mood: str) -> None:
        """One of today's, with an old argument."""

    instead = Deprecation("the argument mood of the hook mlforge_event", "mlforge 0.3", "look at event")
    old = spec(warn_on_impl=Deprecation("the hook mlforge_note", "mlforge 0.2", "implement mlforge_event"))(mlforge_note)
    monkeypatch.setattr(hookspecs, "mlforge_note", old, raising=False)
    monkeypatch.setattr(hookspecs, "mlforge_event", spec(warn_on_impl_args={"mood": instead})(mlforge_event))


def test_hooks_and_arguments_are_noted_when_the_index_is_built(older, tmp_path, monkeypatch):
    text = HEAD + "@hookimpl\ndef mlforge_note(text):\n    pass\n\n@hookimpl\ndef mlforge_event(event, mood):\n    pass\n"
    (tmp_path / "oldtimer.py").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "stdout", sys.stdout)  # which asking replaces
    reply = ask._ask("oldtimer", "oldtimer")
    assert (reply["state"], reply["reason"]) == ("ok", "")
    assert sorted(reply["warnings"]) == [
        "the argument mood of the hook mlforge_event is deprecated since mlforge 0.3: look at event (oldtimer.py:6)",
        "the hook mlforge_note is deprecated since mlforge 0.2: implement mlforge_event (oldtimer.py:2)",
    ]
    sys.modules.pop("oldtimer")


def test_what_the_index_noted_is_told_by_plugins_and_once_by_a_check(project, monkeypatch):
    project.write({"mlforge.toml": "plugins = ['shore']\n", "shore.py": HEAD + "@hookimpl\ndef mlforge_components():\n    return {}\n"})
    warning = "the hook mlforge_note is deprecated since mlforge 0.2: implement mlforge_event (shore.py:2)"
    from mlforge.plugins import index

    complete = index._complete
    monkeypatch.setattr(index, "_complete", lambda one, reply, place: {**complete(one, reply, place), **({"warnings": [warning]} if one.local else {})})
    assert f"deprecated: shore local: {warning}" in project.run("plugins").out
    outcome = project.run("check", "breast_cancer")
    assert (outcome.code, outcome.err) == (0, f"WARNING: plugin shore local: {warning}\n")


def test_users_see_such_a_warning_by_default():
    assert issubclass(Deprecation, FutureWarning)  # Python hides DeprecationWarning outside of __main__
    assert str(Deprecation("x", "mlforge 9")) == "x is deprecated since mlforge 9"
