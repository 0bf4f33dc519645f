"""What a run leaves for TensorBoard, read with TensorBoard's own reader and shown by TensorBoard itself."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from importlib.metadata import entry_points
from pathlib import Path

import pytest

pytest.importorskip("tensorboard", reason="needs tensorboard")
if not any(point.value == "mlforge_tensorboard" for point in entry_points(group="mlforge")):
    pytest.skip("needs mlforge-tensorboard: pip install -e plugins/mlforge-tensorboard", allow_module_level=True)

from mlforge.testing.project import TestProject

Scalars = dict[str, list[tuple[int, float]]]


def scalars(folder: Path) -> Scalars:
    """Step and value by tag."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(folder))
    found.Reload()
    return {tag: [(one.step, one.value) for one in found.Scalars(tag)] for tag in found.Tags()["scalars"]}


def folders(project: TestProject, recipe: str) -> list[Path]:
    return sorted((project.root / ".mlforge" / "tensorboard" / recipe).glob("*"))


def findings(project: TestProject, recipe: str) -> set[str]:
    """The names of the findings of the newest run that have a value."""
    from mlforge.store import Store

    with Store.open(None, project.root / ".mlforge") as store:
        (run, *_) = store.records.runs(recipe)
        return {one.name for use in run.stages for one in store.records.findings(use.key) if one.value is not None}


def test_findings_are_written_once_and_not_for_trials(measured: TestProject) -> None:
    assert measured.run("run", "rows", "--smoke").code == 0
    assert folders(measured, "rows") == []
    assert measured.run("run", "rows").code == 0
    (folder,) = folders(measured, "rows")
    written = scalars(folder)
    names = findings(measured, "rows")
    assert names
    assert names <= set(written)
    assert all([step for step, _ in values] == [0] for values in written.values())
    assert measured.run("run", "rows").code == 0
    assert folders(measured, "rows") == [folder], "everything was reused, so that there is nothing to tell"
    assert measured.run("run", "rows", "checks=[balance,constant]").code == 0
    assert len(folders(measured, "rows")) == 2
    assert names <= set(scalars(folders(measured, "rows")[1])), "what was reused is part of a run that did something"


def test_the_curves_of_a_training_have_a_step_an_epoch(measured: TestProject) -> None:
    outcome = measured.run("run", "breast_cancer", "model=linear", "trainer.max_epochs=3")
    assert outcome.code == 0, outcome.text
    written = scalars(folders(measured, "breast_cancer")[0])
    assert [step for step, _ in written["validation/loss"]] == [1, 2, 3]
    assert "test/roc_auc" in written
    assert "test/roc_auc.low" in written


def test_the_project_says_where_they_lie(measured: TestProject) -> None:
    measured.write({"mlforge.toml": '[settings.mlforge-tensorboard]\nfolder = "curves"\n'})
    assert measured.run("run", "rows").code == 0
    assert list((measured.root / "curves" / "rows").glob("*/events.out.tfevents.*"))
    measured.write({"mlforge.toml": '[settings.mlforge-tensorboard]\nfolders = "curves"\n'})
    outcome = measured.run("check", "rows")
    assert outcome.code == 2
    assert "mlforge.toml:2" in outcome.err
    assert "Did you mean folder?" in outcome.err


def test_a_folder_that_cannot_be_written_fails_no_run(measured: TestProject) -> None:
    measured.write({"mlforge.toml": '[settings.mlforge-tensorboard]\nfolder = "rows.csv"\n'})
    outcome = measured.run("run", "rows")
    assert outcome.code == 0, outcome.text
    assert "of plugin mlforge-tensorboard failed, and the run went on" in outcome.err


def test_the_command_says_when_there_is_nothing_to_show(measured: TestProject) -> None:
    outcome = measured.run("tensorboard")
    assert outcome.code == 2
    assert "no run has written anything yet" in outcome.err


def test_the_command_shows_them_on_this_machine_alone_until_it_is_stopped(measured: TestProject) -> None:
    assert measured.run("run", "rows").code == 0
    log = measured.root / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", "from mlforge.cli import main; main()", "tensorboard", "--port", "0"],
            cwd=measured.root, env=os.environ | measured.env, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
        )  # fmt: skip
    try:
        url = address(process, log)
        assert url.startswith("http://127.0.0.1:")
        with urllib.request.urlopen(f"{url}/data/plugin/scalars/tags", timeout=30) as answer:
            tags = json.load(answer)
    finally:
        process.terminate()
        process.wait(30)
    ((run, written),) = tags.items()
    assert run.startswith("rows/")
    assert findings(measured, "rows") <= set(written)


def address(process: subprocess.Popen[bytes], log: Path) -> str:
    """Where it listens, once it has read the files."""
    end = time.monotonic() + 120
    while time.monotonic() < end and process.poll() is None:
        found = re.search(r"(http://[^/\s]+)/? \(Press", log.read_text(errors="replace"))
        if found:
            with urllib.request.urlopen(f"{found[1]}/data/runs", timeout=30) as answer:
                if json.load(answer):
                    return found[1]
        time.sleep(0.1)
    raise RuntimeError(log.read_text(errors="replace")[-2000:])
