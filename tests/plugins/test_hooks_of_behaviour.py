"""The typed facade: who is called, in which order, and who is named when a hook breaks."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from mlforge.artifact import Made
from mlforge.errors import DataError, Interrupted, MissingRequirement, RecipeError, RunFailed, TimedOut, Vetoed
from mlforge.plugins import catalog, hooks
from mlforge.project import Project

NOTHING = Made({}, {}, Path)
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
    facade().run_stage(object(), "train", object(), "r1", lambda: done.append("work"))
    assert done == ["work"]


def test_a_wrapper_stands_around_the_work(facade, workshop):
    note = workshop.root / "note"
    note.write_text("")
    facade(timer=WRAPPER.format(note=str(note))).run_stage(object(), "train", object(), "r1", lambda: note.write_text(note.read_text() + "work\n"))
    assert note.read_text().split("\n") == ["before train", "work", "after train", ""]


def test_a_stage_within_a_run_does_each_its_own_work(facade):
    done = []
    built = facade()
    built.run_recipe(
        "adult", "r1", ["a"], {}, (), False, lambda: built.run_stage(object(), "a", object(), "r1", lambda: done.append("stage")) or done.append("recipe")
    )
    assert done == ["stage", "recipe"]


def test_an_error_of_the_work_passes_a_wrapper_unchanged(facade, workshop):
    error = ZeroDivisionError("mine")

    def work():
        raise error

    with pytest.raises(ZeroDivisionError) as caught:
        facade(timer=WRAPPER.format(note=str(workshop.root / "note"))).run_stage(object(), "train", object(), "r1", work)
    assert caught.value is error
    assert "after train" in (workshop.root / "note").read_text()


def test_an_error_of_the_user_passes_a_wrapper_unchanged(facade, workshop):
    def work():
        raise DataError("bad rows")

    with pytest.raises(DataError, match="bad rows"):
        facade(timer=WRAPPER.format(note=str(workshop.root / "note"))).run_recipe("adult", "r", [], {}, (), False, work)


def test_an_observer_that_breaks_is_a_warning_with_plugin_and_line_and_the_others_are_told(facade, workshop, caplog):
    broken = HEAD + "@hookimpl\ndef mlforge_event(event):\n    raise KeyError(event)\n"
    heard = workshop.root / "heard"
    quiet = HEAD + f"from pathlib import Path\n@hookimpl\ndef mlforge_event(event):\n    Path({str(heard)!r}).write_text(event)\n"
    for plugins in ({"rowdy": broken, "quiet": quiet}, {"quiet": quiet, "rowdy": broken}):
        heard.unlink(missing_ok=True)
        caplog.clear()
        built = facade(**plugins)
        built.event("promoted", "adult 3", {})
        assert heard.read_text() == "promoted"
        assert [str(one) for one in built.mishaps] == ["mlforge_event of plugin rowdy failed, and the run went on: KeyError: 'promoted' (rowdy.py:4)"]
        assert "MLFORGE_BLOCK_PLUGINS=rowdy" in caplog.text


def test_the_same_mishap_is_told_once(facade, caplog):
    built = facade(rowdy=HEAD + "@hookimpl\ndef mlforge_findings(stage):\n    raise OSError('down')\n")
    for stage in ("ingest", "split"):
        built.findings("r1", stage, [], NOTHING, False)
    assert len(built.mishaps) == 1
    assert caplog.text.count("OSError: down") == 1


def test_a_veto_fails_the_run_and_only_after_everybody_was_told(facade, workshop):
    heard = workshop.root / "heard"
    veto = HEAD + "from mlforge.errors import Vetoed\n@hookimpl\ndef mlforge_event(event):\n    raise Vetoed('not on a Friday')\n"
    quiet = HEAD + f"from pathlib import Path\n@hookimpl\ndef mlforge_event(event):\n    Path({str(heard)!r}).write_text(event)\n"
    with pytest.raises(Vetoed, match="not on a Friday"):
        facade(quiet=quiet, veto=veto).event("registered", "adult 3", {})
    assert heard.read_text() == "registered"


WRAP = HEAD + "@hookimpl(wrapper=True)\ndef mlforge_run_stage(name):\n"
BEFORE = WRAP + "    raise OSError('tracker is down')\n    yield\n"
AFTER = WRAP + "    yield\n    raise OSError('tracker is down')\n"
SWALLOWS = WRAP + "    try:\n        yield\n    except BaseException:\n        pass\n"
REPLACES = WRAP + "    try:\n        yield\n    except BaseException:\n        raise OSError('tracker is down')\n"
NEVER = WRAP + "    return\n    yield\n"
TWICE = WRAP + "    yield\n    yield\n"


@pytest.mark.parametrize("wrapper", [BEFORE, AFTER, NEVER, TWICE])
def test_a_wrapper_that_breaks_is_a_warning_and_the_work_is_done_once(facade, wrapper):
    done = []
    built = facade(outer=WRAPPER.format(note="/dev/null"), tracker=wrapper, inner=WRAPPER.format(note="/dev/null"))
    built.run_stage(object(), "train", object(), "r1", lambda: done.append("work"))
    assert done == ["work"]
    assert [(one.plugin, one.hook) for one in built.mishaps] == [("tracker", "mlforge_run_stage")]


@pytest.mark.parametrize("wrapper", [BEFORE, AFTER, SWALLOWS, REPLACES, NEVER, TWICE])
@pytest.mark.parametrize("error", [DataError("bad rows"), ZeroDivisionError("mine"), KeyboardInterrupt(), Interrupted("stopped")])
def test_what_the_work_raises_passes_whatever_a_wrapper_does(facade, wrapper, error):
    def work():
        raise error

    with pytest.raises(type(error)) as caught:
        facade(tracker=wrapper).run_stage(object(), "train", object(), "r1", work)
    assert caught.value is error


@pytest.mark.parametrize("error", ["Interrupted('stopped')", "TimedOut('too long')", "Vetoed('no')"])
def test_what_ends_a_run_ends_it_also_when_it_strikes_in_a_wrapper(facade, error):
    done = []
    text = f"from mlforge.errors import Interrupted, TimedOut, Vetoed\n{HEAD}@hookimpl(wrapper=True)\ndef mlforge_run_stage():\n    raise {error}\n    yield\n"
    with pytest.raises((Interrupted, TimedOut, Vetoed)):
        facade(tracker=text).run_stage(object(), "train", object(), "r1", lambda: done.append("work"))
    assert done == []


def test_an_implementation_that_takes_the_work_over_fails_as_the_work_does(facade):
    text = HEAD + "@hookimpl\ndef mlforge_run_stage(name):\n    raise OSError('cluster is down')\n"
    with pytest.raises(RunFailed, match="mlforge_run_stage of plugin remote failed: OSError: cluster is down"):
        facade(remote=text).run_stage(object(), "train", object(), "r1", lambda: None)


def test_a_check_that_breaks_names_its_plugin(facade):
    text = HEAD + "@hookimpl\ndef mlforge_check(recipe):\n    raise KeyError('model')\n"
    with pytest.raises(RunFailed, match=r"mlforge_check of plugin strict failed: KeyError: 'model' \(strict\.py:4\)"):
        facade(strict=text).check({})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("@hookimpl(hookwrapper=True)\ndef mlforge_run_stage():\n    yield\n", "pluggy's old way; write wrapper=True"),
        ("@hookimpl(wrapper=True)\ndef mlforge_event():\n    yield\n", "mlforge_event cannot be wrapped"),
    ],
)
def test_wrappers_that_could_not_be_guarded_are_refused(facade, text, said):
    with pytest.raises(MissingRequirement, match=said):
        facade(odd=HEAD + text)


def test_problems_of_all_plugins_are_gathered(facade):
    one = HEAD + "from mlforge.errors import Problem\n@hookimpl\ndef mlforge_check(recipe):\n    return [Problem('model', recipe['name'])]\n"
    two = one.replace("'model'", "'split'")
    assert {(problem.where, problem.found) for problem in facade(first=one, second=two).check({"name": "adult"})} == {("model", "adult"), ("split", "adult")}


def test_every_plugin_hears_of_findings(facade, workshop):
    note = workshop.root / "heard"
    text = HEAD + f"@hookimpl\ndef mlforge_findings(stage, findings):\n    open({str(note)!r}, 'a').write(f'{{stage}} {{len(findings)}};')\n"
    text = text.replace("    open(", "    file = open(").replace(".write(", "\n    file.write(").rstrip("\n") + "\n    file.close()\n"
    facade(one=text, two=text).findings("r1", "evaluate", [], NOTHING, False)
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


SETTINGS = """
from pydantic import BaseModel, Field
from mlforge.hookspecs import hookimpl

MLFORGE_SETTINGS = "tracker:Settings"
seen = []


class Settings(BaseModel, extra="forbid"):
    uri: str = "http://localhost"
    patience: float = Field(default=3, gt=0)


@hookimpl
def mlforge_configure(settings):
    seen.append(settings)
"""


@pytest.fixture
def configured(workshop):
    """Load the plugin `tracker` in a project with these settings."""

    def load(text):
        workshop.local(tracker=SETTINGS)
        (workshop.root / "mlforge.toml").write_text(f'plugins = ["tracker"]\n{text}')
        project = Project.find(workshop.root)
        hooks(project, catalog(project))
        return sys.modules["tracker"].seen[-1]

    yield load
    sys.modules.pop("tracker", None)


def test_a_plugin_is_given_its_settings(configured):
    assert (configured("").uri, configured("").patience) == ("http://localhost", 3)
    assert configured('[settings.tracker]\nuri = "http://elsewhere"\n').uri == "http://elsewhere"


def test_wrong_settings_are_problems_with_file_and_line(configured, workshop, monkeypatch):
    monkeypatch.chdir(workshop.root)
    with pytest.raises(RecipeError) as told:
        configured('[settings.tracker]\npatience = -1\nurl = "http://elsewhere"\n')
    assert [(one.where, str(one.origin), one.hint) for one in told.value.problems] == [
        ("settings.tracker.patience", "mlforge.toml:3", ""),
        ("settings.tracker.url", "mlforge.toml:4", "Did you mean uri?"),
    ]


def test_settings_of_a_plugin_that_is_not_there_are_a_missing_requirement(configured):
    with pytest.raises(MissingRequirement, match=r"settings\.trackre: no such plugin is installed\nDid you mean tracker"):
        configured("[settings.trackre]\n")
    with pytest.raises(MissingRequirement, match="pip install mlforge-acme"):
        configured("[settings.mlforge-acme]\n")


def test_settings_for_a_plugin_without_any_are_an_error(workshop):
    workshop.local(plain=HEAD + "@hookimpl\ndef mlforge_event():\n    pass\n")
    (workshop.root / "mlforge.toml").write_text('plugins = ["plain"]\n[settings.plain]\nuri = 1\n')
    project = Project.find(workshop.root)
    with pytest.raises(RecipeError, match=r"settings\.plain: the plugin has no settings"):
        hooks(project, catalog(project))
    sys.modules.pop("plain", None)


def test_a_mishap_that_a_plugin_explains_is_told_in_its_own_words(facade, caplog):
    text = HEAD + "from mlforge.errors import RunFailed\n@hookimpl\ndef mlforge_event():\n    raise RunFailed('nobody answers', hint='Ring twice.')\n"
    facade(door=text).event("promoted", "adult 3", {})
    assert "mlforge_event of plugin door failed, and the run went on: nobody answers. Ring twice." in caplog.text
    assert "Tell its authors" not in caplog.text
