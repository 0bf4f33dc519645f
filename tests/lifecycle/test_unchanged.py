"""A command that had nothing left to do is answered by looking at files; whatever could change the answer is noticed."""

from __future__ import annotations

import os

import pytest

from mlforge.lifecycle.unchanged import Stamp
from mlforge.plugins import Catalog, PluginState
from mlforge.project import Project

RECIPE = """
    # A small csv, for tests.
    mlforge: 1
    defaults:
      - lifecycle
      - source: csv
      - split: random
      - checks: [balance]
      - _self_
    name: rows
    task: classification
    source: {path: "data/*.csv"}
    contract:
      columns:
        x: {dtype: float}
        up: {dtype: category, role: target}
"""
PLUGIN = """
from mlforge.hookspecs import hookimpl


@hookimpl
def mlforge_components():
    return {"checks/local": "own.probe:Local"}
"""
PROBE = """
from mlforge.components import Probe
from own.helper import NAME
from mlforge.finding import Finding
from mlforge.window import Profile


class Local(Probe):
    \"\"\"Finds nothing.\"\"\"

    def declares(self, contract, task):
        return [NAME]

    def summarise(self, window):
        return Profile()

    def merge(self, one, other):
        return one

    def findings(self, profile, reference):
        yield Finding(name=NAME, value=1.0, subject="data")
"""


@pytest.fixture
def settled(project):
    """A project whose recipe has run, and run again to see that nothing is left to do."""
    rows = "x,up\n" + "".join(f"{i % 17},{'yes' if i % 3 else 'no'}\n" for i in range(300))
    project.write({"data/one.csv": rows, "own/__init__.py": PLUGIN, "own/probe.py": PROBE, "own/helper.py": "NAME = 'local'\n"}, rows=RECIPE)
    project.write({"mlforge.toml": 'plugins = ["own"]\n'})
    for path in sorted(project.root.rglob("*")):  # as if it had been written a while ago
        os.utime(path, (1_700_000_000, 1_700_000_000))
    os.utime(project.root / "recipes", (1_700_000_000, 1_700_000_000))
    for _ in range(2):  # the first may leave compiled modules behind, and so a folder that is too young to be trusted
        assert project.run("run", "rows", "checks=[balance,local]").code == 0
    assert answer(project) is None, "nothing changed, so nothing is planned"
    return project


def answer(project, *overrides):
    """None when the command was answered without a plan, else the stages that ran."""
    outcome = project.run("run", "rows", "checks=[balance,local]", *overrides)
    assert outcome.code == 0, outcome.text
    if "everything is as it was" in outcome.out:
        return None
    return [line.split()[0] for line in outcome.out.splitlines() if line.startswith("  ") and "reused" not in line]


def test_the_answer_in_json_names_the_same_outputs(settled):
    told = settled.run("run", "rows", "checks=[balance,local]", "--json").json
    record = settled.run("runs", told["run"], "--json").json
    assert {stage["name"]: stage["outputs"] for stage in told["stages"]} == {stage["name"]: stage["outputs"] for stage in record["stages"]}
    assert {stage["state"] for stage in told["stages"]} == {"reuse"}


def test_new_rows_are_noticed(settled):
    with (settled.root / "data/one.csv").open("a") as file:
        file.write("3,yes\n")
    assert "ingest" in answer(settled)


def test_rows_of_the_same_length_are_noticed(settled):
    path = settled.root / "data/one.csv"
    path.write_text(path.read_text().replace("16,yes", "15,yes"))
    assert "ingest" in answer(settled)


def test_another_file_that_matches_is_noticed(settled):
    (settled.root / "data/two.csv").write_text("x,up\n1,yes\n")
    assert "ingest" in answer(settled)


def test_an_edited_recipe_is_noticed(settled):
    path = settled.root / "recipes/rows.yaml"
    path.write_text(path.read_text().replace("split: random", "split: stratified"))
    assert "split" in answer(settled)


def test_a_preset_that_shadows_is_noticed(settled):
    settled.write({"conf/split/random.yaml": "defaults: [random, _self_]\ntest: 0.3\n"})
    assert "split" in answer(settled)


def test_an_edit_in_an_imported_helper_is_noticed(settled):
    (settled.root / "own/helper.py").write_text("NAME = 'other'\n")
    assert answer(settled) == ["inspect"]


def test_other_settings_of_the_project_are_noticed(settled):
    (settled.root / "mlforge.toml").write_text('plugins = ["own"]\nroots = [".", "/srv"]\n')
    assert answer(settled) is not None


def test_a_lost_artifact_is_noticed(settled):
    digest = settled.run("plan", "rows", "checks=[balance,local]", "--json").json[0]["outputs"]["table"]
    (settled.root / ".mlforge/artifacts" / digest).rename(settled.root / "lost")
    assert "ingest" in answer(settled)


def test_another_command_is_planned(settled):
    assert answer(settled, "seed=3") is not None


def test_a_torn_stamp_is_as_good_as_none(settled):
    for path in (settled.root / ".mlforge/cache/unchanged").iterdir():
        path.write_text('{"question": "torn')
    assert answer(settled) == []


def test_a_project_that_allows_variables_is_always_planned(settled):
    """What they say may matter, and is nothing to be written down, not even as a digest."""
    (settled.root / "mlforge.toml").write_text('plugins = ["own"]\nenv = ["WHAT"]\n')
    assert answer(settled) == []
    assert answer(settled) == []


def test_an_edit_while_the_command_runs_is_noticed(settled):
    """The run ends with the recipe that it began with; the next one sees the new."""
    path = settled.root / "recipes/rows.yaml"
    text = path.read_text()
    probe = settled.root / "own/probe.py"
    edit = f"import pathlib; pathlib.Path({str(path)!r}).write_text({text.replace('split: random', 'split: stratified')!r})"
    probe.write_text(probe.read_text().replace("        return Profile()\n", f"        {edit}\n        return Profile()\n"))
    assert answer(settled) == ["inspect"]
    assert "split" in answer(settled)


def test_a_link_that_is_pointed_elsewhere_is_noticed(settled):
    rows = (settled.root / "data/one.csv").read_text()
    settled.write({"v1.csv": rows, "v2.csv": rows + "3,yes\n"})
    link = settled.root / "data" / "two.csv"
    link.symlink_to(settled.root / "v1.csv")
    for path in (settled.root / "v1.csv", settled.root / "v2.csv", settled.root / "data"):
        os.utime(path, (1_700_000_500, 1_700_000_500))
    assert "ingest" in answer(settled)
    assert answer(settled) is None
    link.unlink()
    link.symlink_to(settled.root / "v2.csv")
    assert "ingest" in answer(settled)


def test_a_forced_stage_runs(settled):
    outcome = settled.run("run", "rows", "checks=[balance,local]", "--from", "split")
    assert outcome.code == 0
    assert "nothing to do" not in outcome.out


@pytest.mark.parametrize(("plugin", "given", "told"), [("local", {}, True), ("installed", {}, False), ("installed", {"watcher": {"file": "x"}}, True)])
def test_a_plugin_that_looks_on_is_told_of_every_run_where_the_project_has_set_it_up(tmp_path, plugin, given, told):
    looks_on = PluginState("watcher", "1", "watcher", "ok", hooks=("mlforge_event",), local=plugin == "local")
    stamp = Stamp(Project(tmp_path, given=given), Catalog(plugins=(looks_on,)), ("rows",))
    assert stamp.always_planned is told
