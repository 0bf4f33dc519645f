"""The typed facade: who is called, in which order, and who is named when a hook breaks."""

from __future__ import annotations

import sys

import pytest

from mlforge.errors import DataError, MissingRequirement, RunFailed
from mlforge.plugins import catalog, hooks

HEAD = "from mlforge.hookspecs import hookimpl\n"
WRAPPER = """
from mlforge.hookspecs import hookimpl

@hookimpl(wrapper=True)
def mlforge_run_stage(name):
    with open({note!r}, "a") as file:
        file.write(f"before {{name}}\\n")
    try:
        return (yield)
    finally:
        with open({note!r}, "a") as file:
            file.write(f"after {{name}}\\n")
"""


@pytest.fixture
def facade(workshop):
    """The hooks of a project with these local plugins."""
    made = []

    def build(**modules):
        made.extend(modules)
        project = workshop.local(**modules)
        found = catalog(project)
        assert [plugin.reason for plugin in found.plugins if plugin.state not in ("ok", "blocked")] == []
        return hooks(project, found)

    yield build
    for name in made:
        sys.modules.pop(name, None)


def test_without_plugins_the_work_is_simply_done(facade):
    done = []
    facade().run_stage(object(), "train", object(), lambda: done.append("work"))
    assert done == ["work"]


def test_a_wrapper_stands_around_the_work(facade, workshop):
    note = workshop.root / "note"
    note.write_text("")
    facade(timer=WRAPPER.format(note=str(note))).run_stage(object(), "train", object(), lambda: note.write_text(note.read_text() + "work\n"))
    assert note.read_text().split("\n") == ["before train", "work", "after train", ""]


def test_a_stage_within_a_run_does_each_its_own_work(facade):
    done = []
    built = facade()
    built.run_recipe("adult", "r1", ["a"], lambda: built.run_stage(object(), "a", object(), lambda: done.append("stage")) or done.append("recipe"))
    assert done == ["stage", "recipe"]


def test_an_error_of_the_work_passes_a_wrapper_unchanged(facade, workshop):
    error = ZeroDivisionError("mine")

    def work():
        raise error

    with pytest.raises(ZeroDivisionError) as caught:
        facade(timer=WRAPPER.format(note=str(workshop.root / "note"))).run_stage(object(), "train", object(), work)
    assert caught.value is error
    assert "after train" in (workshop.root / "note").read_text()


def test_an_error_of_the_user_passes_a_wrapper_unchanged(facade, workshop):
    def work():
        raise DataError("bad rows")

    with pytest.raises(DataError, match="bad rows"):
        facade(timer=WRAPPER.format(note=str(workshop.root / "note"))).run_recipe("adult", "r", [], work)


def test_a_hook_that_breaks_names_its_plugin_and_line(facade):
    broken = HEAD + "@hookimpl\ndef mlforge_event(event):\n    raise KeyError(event)\n"
    quiet = HEAD + "@hookimpl\ndef mlforge_event(event):\n    pass\n"
    with pytest.raises(RunFailed, match=r"mlforge_event of plugin rowdy failed: KeyError: 'promoted' \(rowdy\.py:4\)[\s\S]*MLFORGE_BLOCK_PLUGINS=rowdy"):
        facade(rowdy=broken, quiet=quiet).event("promoted", "adult 3", {})


def test_a_wrapper_that_breaks_is_named_and_not_the_work(facade):
    broken = HEAD + "@hookimpl(wrapper=True)\ndef mlforge_run_stage(name):\n    yield\n    raise OSError('tracker is down')\n"
    with pytest.raises(RunFailed, match="plugin tracker failed: OSError: tracker is down"):
        facade(tracker=broken).run_stage(object(), "train", object(), lambda: None)


def test_problems_of_all_plugins_are_gathered(facade):
    one = HEAD + "from mlforge.errors import Problem\n@hookimpl\ndef mlforge_check(recipe):\n    return [Problem('model', recipe['name'])]\n"
    two = one.replace("'model'", "'split'")
    assert {(problem.where, problem.found) for problem in facade(first=one, second=two).check({"name": "adult"})} == {("model", "adult"), ("split", "adult")}


def test_every_plugin_hears_of_findings(facade, workshop):
    note = workshop.root / "heard"
    text = HEAD + f"@hookimpl\ndef mlforge_findings(stage, findings):\n    open({str(note)!r}, 'a').write(f'{{stage}} {{len(findings)}};')\n"
    text = text.replace("    open(", "    file = open(").replace(".write(", "\n    file.write(").rstrip("\n") + "\n    file.close()\n"
    facade(one=text, two=text).findings("r1", "evaluate", [])
    assert note.read_text() == "evaluate 0;evaluate 0;"


def test_a_plugin_without_behaviour_is_not_imported_for_a_run(facade):
    built = facade(silent=HEAD + "@hookimpl\ndef mlforge_components():\n    return {'model/one': 'x:X'}\n")
    assert built.plugins == ()
    assert "silent" not in sys.modules


def test_a_plugin_that_no_longer_loads_is_named(workshop):
    project = workshop.local(fickle=HEAD + "@hookimpl\ndef mlforge_event(event):\n    pass\n")
    found = catalog(project)
    (workshop.root / "fickle.py").write_text("import gone_away\n")
    with pytest.raises(MissingRequirement, match=r"plugin fickle local cannot be loaded: ModuleNotFoundError.*gone_away.*\(fickle\.py:1\)"):
        hooks(project, found)
