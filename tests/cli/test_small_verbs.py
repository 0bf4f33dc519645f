"""ls, plugins, doctor, and commands that plugins add."""

from __future__ import annotations

import re
import sqlite3

import pytest

from mlforge.store import Store
from mlforge.testing.project import TestProject

PLUGIN = """
from mlforge.hookspecs import hookimpl

@hookimpl
def mlforge_components():
    return {"source/sine": "waves:Sine"}

@hookimpl
def mlforge_register_commands():
    return {"wave": "waves:wave", "ripple": "waves:Sine", "run": "waves:wave"}
"""
WAVES = '''
import click
from mlforge.components import Source

class Sine(Source):
    """A sine wave with noise."""

    def fingerprint(self):
        return "sine"

    def scan(self):
        raise NotImplementedError

@click.command("wave")
@click.option("--times", default=1)
def wave(times):
    """Wave."""
    click.echo("wave " * times)
'''


def with_plugin(project):
    return project.write({"mlforge.toml": 'plugins = ["shore"]\n', "shore.py": PLUGIN, "waves.py": WAVES})


def test_a_local_plugins_component_is_listed_with_its_summary(project):
    result = with_plugin(project).run("ls", "source")
    assert result.code == 0
    assert re.search(r"sine +shore local +A sine wave with noise\.", result.out)


def test_ls_lists_recipes_and_presets_with_their_first_comment(project):
    project.write({"conf/model/tiny.yaml": "# A small network for tests\ndefaults: [mlp]\n"}, mine="# Predicts mine\nmlforge: 1\n")
    assert "mine" in project.run("ls", "recipes").out
    assert "Predicts mine" in project.run("ls", "recipes").out
    assert "breast_cancer" in project.run("ls", "recipes").out
    rows = {row["name"]: row for row in project.run("ls", "model", "--json").json}
    assert rows["tiny"] == {"section": "model", "name": "tiny", "provider": "project", "summary": "A small network for tests"}
    assert rows["mlp"]["provider"] == "mlforge 0.1.0"


def test_a_component_that_cannot_be_loaded_is_listed_with_the_reason(project):
    with_plugin(project).write({"waves.py": "import acme_sdk\n"})
    result = project.run("ls", "source")
    assert result.code == 0
    assert "acme_sdk" in result.out


def test_plugins_lists_states_and_clashes(project):
    project.write({"mlforge.toml": 'plugins = ["shore", "reef"]\n', "shore.py": PLUGIN, "reef.py": "import acme_sdk\n", "waves.py": WAVES})
    result = project.run("plugins")
    assert result.code == 0
    assert result.out.splitlines()[0].split() == ["NAME", "VERSION", "API", "COMPONENTS", "LOADS", "IN", "STATE"]
    assert "broken: ModuleNotFoundError: No module named 'acme_sdk' (reef.py:1)" in result.out
    assert "clash: command run of shore local is mlforge's own verb" in result.out
    listed = {one["name"]: one for one in project.run("plugins", "--json").json["plugins"]}
    assert listed["shore"]["components"] == ["source/sine"]
    assert project.run("plugins", MLFORGE_BLOCK_PLUGINS="reef").out.count("blocked by MLFORGE_BLOCK_PLUGINS") == 1


def test_a_plugins_command_is_in_the_help_and_runs(project):
    with_plugin(project)
    assert re.search(r"wave +shore local", project.run("--help").out)
    assert project.run("wave", "--times", "2").out == "wave wave \n"
    assert project.run("wav").code == 2
    assert "Did you mean wave?" in project.run("wav").err


def test_a_plugins_command_that_is_none_is_told(project):
    result = with_plugin(project).run("ripple")
    assert result.code == 5
    assert "ripple: waves:Sine of plugin shore local is a ModelMetaclass; a click.Command was expected" in result.err


def test_a_plugin_cannot_replace_a_verb(project):
    assert "Run a recipe" in with_plugin(project).run("run", "--help").out


def test_doctor_is_content_with_this_installation(project):
    result = project.run("doctor", "--json")
    points = {point["what"]: point for point in result.json}
    assert result.code == 0
    assert {"python", "mlforge", "base install", "cores", "gpu", "project", "store", "disk", "plugins"} <= set(points)
    assert points["base install"]["state"] == "ok"
    assert str(project.root) in points["project"]["found"]


def test_doctor_tells_a_store_that_cannot_be_written_and_ends_with_exit_code_5(project):
    project.write({"mlforge.toml": 'store = "/proc/mlforge"\n'})
    result = project.run("doctor")
    assert result.code == 5
    assert "/proc/mlforge cannot be written" in result.out
    assert "missing: store" in result.err


def test_doctor_verifies_the_audit_log(project: TestProject) -> None:
    with Store.open(None, project.root / ".mlforge") as store:
        store.alerts.silence("adult", "live/drift/*", "2026-12-01T00:00:00+00:00", "a campaign")
    assert "each after the one before it: 1" in project.run("doctor").out
    with sqlite3.connect(project.root / ".mlforge" / "records.db") as records:
        records.execute("UPDATE audit SET actor = 'mallory'")
    outcome = project.run("doctor")
    assert "it was changed after it was written" in outcome.out
    assert "compare with a backup" in outcome.out


def test_doctor_reports_a_broken_plugin_and_goes_on(project):
    project.write({"mlforge.toml": 'plugins = ["reef"]\n', "reef.py": "1 / 0\n"})
    result = project.run("doctor")
    assert result.code == 0
    assert "ZeroDivisionError" in result.out


def test_verbs_that_only_look_leave_nothing_behind(project: TestProject) -> None:
    told = {("runs",): (0, "No run yet"), ("models",): (0, "No model yet"), ("promote", "m", "1"): (2, "m"), ("plan", "breast_cancer"): (0, "never run before")}
    for verb, (code, text) in told.items():
        outcome = project.run(*verb)
        assert (outcome.code, text in outcome.text) == (code, True), outcome.text
    assert list(project.root.iterdir()) == []


def test_a_store_that_is_named_and_not_there_is_told(project: TestProject) -> None:
    outcome = project.run("runs", "--store", "nowhere")
    assert (outcome.code, "there is no store at nowhere" in outcome.text) == (2, True)
    assert not (project.root / "nowhere").exists()


def test_runs_are_found_from_a_folder_below(project: TestProject) -> None:
    assert project.run("run", "breast_cancer", "--only", "ingest").code == 0
    below = TestProject(project.root / "deep" / "down")
    below.root.mkdir(parents=True)
    outcome = below.run("runs")
    assert (outcome.code, "breast_cancer" in outcome.text) == (0, True), outcome.text
    assert outcome.out == project.run("runs").out
    assert list(below.root.iterdir()) == []


@pytest.mark.parametrize("verb", ["keys", "signing"])
def test_a_verb_without_work_of_its_own_gives_its_whole_help(project: TestProject, verb: str) -> None:
    outcome = project.run(verb)
    assert outcome.code == 0, outcome.text
    assert outcome.out == project.run(verb, "--help").out
    assert outcome.err == ""


def test_alerts_and_sweep_alone_list_what_there_is(project: TestProject) -> None:
    assert [(project.run(verb).code, project.run(verb).out) for verb in ("alerts", "sweep")] == [
        (0, "No alert is open.\n"),
        (0, "No sweep yet. Begin one: mlforge run RECIPE sweep=random\n"),
    ]
    with Store.open(None, project.root / ".mlforge") as store:
        for recipe, key in (("adult", "k1"), ("adult", "k2"), ("churn", "k3")):
            run = store.records.begin_run(recipe, {}, (), smoke=False)
            store.records.start_stage(key, "tune", recipe, run, {})
            store.records.finish_stage(key, run, {"tuned": "a" * 64}, [], 1.0)
            store.records.end_run(run, "done", 0)
    head, *lines = project.run("sweep").out.splitlines()
    assert head.split("  ")[0] == "RECIPE"
    assert [(line.split()[0], line.rpartition("  ")[2]) for line in lines] == [("churn", "mlforge sweep show churn"), ("adult", "mlforge sweep show adult")]
