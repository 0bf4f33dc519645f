"""What a plugin that looks on is told of a run, from its start to its end; and what becomes of the run when the plugin breaks."""

from __future__ import annotations

import json

import pytest

from mlforge.testing.project import TestProject

RECIPE = """
    # Flowers that differ in length, for tests.
    mlforge: 1
    defaults:
      - lifecycle
      - source: csv
      - split: random
      - model: linear
      - trainer: lightning
      - exporters: [onnx]
      - evaluators: [classification]
      - gates: [thresholds]
      - _self_
    name: flowers
    task: classification
    source: {path: flowers.csv}
    trainer: {max_epochs: 2}
    contract:
      columns:
        length: {dtype: float}
        kind: {dtype: category, role: target}
    gates:
      thresholds: {rules: {right: {finding: test/accuracy, min: 0.0}}}
"""
LISTENER = """
import json
from pathlib import Path

from mlforge.artifact import Bundles, Trained
from mlforge.hookspecs import hookimpl

NOTES = Path(__file__).with_name("notes.jsonl")


def note(what, **details):
    with NOTES.open("a") as file:
        file.write(json.dumps({"what": what, **details}) + "\\n")


@hookimpl(wrapper=True)
def mlforge_run_recipe(recipe, run, stages, plain, overrides, smoke):
    note("begin", recipe=recipe, run=run, stages=stages, seed=plain["seed"], overrides=list(overrides), smoke=smoke)
    try:
        return (yield)
    finally:
        note("end", run=run)


@hookimpl(wrapper=True)
def mlforge_run_stage(name, job, run):
    note("stage", name=name, run=run, recipe=job.name)
    return (yield)


@hookimpl
def mlforge_findings(run, stage, findings, artifacts, reused):
    trained, bundles = artifacts.first(Trained), artifacts.first(Bundles)
    found = [type(artifacts[port]).__name__ for port in artifacts]
    curves = trained is not None and (trained.folder / "curves.parquet").exists()
    note("findings", stage=stage, names=[one.name for one in findings], made=found, reused=reused, curves=curves, ships=bundles and bundles.ships)


@hookimpl
def mlforge_event(event, subject, details):
    note(event, subject=subject, details=details)
"""
BREAKS = """
from mlforge.hookspecs import hookimpl


@hookimpl(wrapper=True)
def mlforge_run_recipe(recipe):
    raise OSError("tracker is down")
    yield


@hookimpl
def mlforge_findings(stage):
    raise OSError("tracker is down")


@hookimpl
def mlforge_event(event):
    raise ValueError(f"what is {event}")
"""
VETO = """
from mlforge.errors import Vetoed
from mlforge.hookspecs import hookimpl


@hookimpl(wrapper=True)
def mlforge_run_recipe(recipe):
    raise Vetoed("nobody is on call", hint="Try on Monday.")
    yield
"""


@pytest.fixture
def flowers(project: TestProject) -> TestProject:
    rows = "length,kind\n" + "".join(f"{i % 7 + 10 * (i % 2)},{'long' if i % 2 else 'short'}\n" for i in range(200))
    return project.write({"flowers.csv": rows, "listener.py": LISTENER, "mlforge.toml": 'plugins = ["listener"]\n'}, flowers=RECIPE)


def told(project: TestProject, *whats: str) -> list[dict[str, object]]:
    """What the listener noted since the last time."""
    path = project.root / "notes.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    path.unlink(missing_ok=True)
    return [line for line in lines if not whats or line["what"] in whats]


def test_a_listener_hears_of_a_run_its_stages_what_they_made_its_version_and_its_end(flowers: TestProject) -> None:
    outcome = flowers.run("run", "flowers", "trainer.max_epochs=1")
    assert outcome.code == 0, outcome.text
    heard = told(flowers)
    begin, end = heard[0], heard[-1]
    stages = ["ingest", "split", "prepare", "train", "export", "evaluate", "gate", "register"]
    assert begin | {"run": ""} == {
        "what": "begin", "recipe": "flowers", "run": "", "stages": stages, "seed": 0, "overrides": ["trainer.max_epochs=1"], "smoke": False,
    }  # fmt: skip
    assert [one["name"] for one in heard if one["what"] == "stage"] == stages[:-1]
    found = {one["stage"]: one for one in heard if one["what"] == "findings"}
    assert found["train"]["curves"]
    assert found["train"]["made"] == ["Trained"]
    assert found["export"]["ships"] == "onnx"
    assert "test/accuracy" in found["evaluate"]["names"]
    assert not found["evaluate"]["reused"]
    registered = next(one for one in heard if one["what"] == "registered")
    details = registered["details"]
    assert registered["subject"] == "flowers 1"
    assert (details["model"], details["version"], details["aliases"], details["run"]) == ("flowers", 1, ["champion"], begin["run"])
    assert (flowers.root / details["bundle"] / "bundle.json").exists()
    assert (end["what"], end["subject"]) == ("finished", begin["run"])
    finished = end["details"]
    assert (finished["state"], finished["exit_code"], finished["ran"][0], finished["registered"]) == ("done", 0, "ingest", details)
    assert (
        {"report.html", "report.md", "summary.json"} <= {path.name for path in (flowers.root / finished["report"]).iterdir()} if finished["report"] else False
    )
    assert heard[-2] == {"what": "end", "run": begin["run"]}

    again = flowers.run("run", "flowers", "trainer.max_epochs=1")
    assert again.code == 0, again.text
    heard = told(flowers)
    assert [one["reused"] for one in heard if one["what"] == "findings"] == [True] * 7
    assert {one["what"] for one in heard} == {"begin", "findings", "end", "finished"}, "registered before, and not told twice"
    assert (heard[-1]["details"]["ran"], heard[-1]["details"]["report"]) == ([], None)
    assert heard[-1]["details"]["registered"] == details

    assert flowers.run("promote", "flowers", "1", "--alias", "steady", "--reason", "why not").code == 0
    (promoted,) = told(flowers)
    assert (promoted["what"], promoted["subject"]) == ("promoted", "flowers 1")
    assert promoted["details"] == details | {"aliases": ["champion", "steady"], "alias": "steady", "reason": "why not"}


def test_a_listener_hears_how_a_run_ended_that_was_refused_or_failed(flowers: TestProject) -> None:
    assert flowers.run("run", "flowers", "gates.thresholds.rules.right.min=1.1").code == 4
    (refused,) = told(flowers, "finished", "registered")
    assert (refused["details"]["state"], refused["details"]["exit_code"], refused["details"]["registered"]) == ("refused", 4, None)
    flowers.write({"flowers.csv": "length,kind\nx,long\n"})
    assert flowers.run("run", "flowers").code == 3
    (failed,) = told(flowers, "finished")
    assert (failed["details"]["state"], failed["details"]["exit_code"], failed["details"]["report"]) == ("failed", 3, None)
    assert failed["details"]["message"]


def test_a_listener_that_breaks_everywhere_fails_nothing_and_the_report_says_so(flowers: TestProject) -> None:
    flowers.write({"broken.py": BREAKS, "mlforge.toml": 'plugins = ["broken", "listener"]\n'})
    outcome = flowers.command("run", "flowers", "--json")
    assert outcome.code == 0, outcome.text
    assert [one["what"] for one in told(flowers, "registered", "finished")] == ["registered", "finished"], "the other plugin is told"
    for hook, said in (("run_recipe", "OSError: tracker is down (broken.py:6)"), ("findings", "OSError: tracker is down (broken.py:12)")):
        assert outcome.err.count(f"mlforge_{hook} of plugin broken failed, and the run went on: {said}") == 1
    assert "what is registered" in outcome.err
    assert "what is finished" in outcome.err
    assert len(outcome.json["warnings"]) == 4
    folder = flowers.root / ".mlforge" / "runs" / outcome.json["run"]
    for name in ("report.html", "report.md", "summary.json"):
        assert "plugin broken failed, and the run went on" in (folder / name).read_text().replace("\\", ""), name
        assert "what is finished" in (folder / name).read_text(), "also what broke when the report had been written"


def test_a_veto_ends_the_run_with_its_words(flowers: TestProject) -> None:
    flowers.write({"strict.py": VETO, "mlforge.toml": 'plugins = ["strict", "listener"]\n'})
    outcome = flowers.run("run", "flowers")
    assert outcome.code == 6
    assert "nobody is on call" in outcome.err
    assert "Try on Monday." in outcome.err
    (failed,) = told(flowers, "finished")
    assert (failed["details"]["state"], failed["details"]["ran"]) == ("failed", [])
