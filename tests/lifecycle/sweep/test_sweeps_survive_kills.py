"""A sweep whose driver is killed goes on: no trial that is over is lost or run again, and nothing stays behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from tests.lifecycle.sweep.toys import SPACE, fits, toys, trials, tuned

from mlforge.testing.project import TestProject

_COMMAND = [sys.executable, "-P", "-c", "from mlforge.cli import main; main()", "run", "toy"]
_PATIENCE = 280.0  # seconds; under load Ray takes long to start


def started(project: TestProject, *words: str) -> subprocess.Popen[bytes]:
    with (project.root / "said.log").open("ab") as said:
        return subprocess.Popen([*_COMMAND, *words], cwd=project.root, stdout=said, stderr=said)


def until(condition: Callable[[], bool], process: subprocess.Popen[bytes]) -> bool:
    """Wait for a condition as long as the process lives."""
    limit = time.monotonic() + _PATIENCE
    while time.monotonic() < limit and process.poll() is None:
        if condition():
            return True
        time.sleep(0.01)
    return False


def journal(project: TestProject) -> list[dict]:
    """The lines of the sweep that is on its way."""
    found = list((project.root / ".mlforge" / "work").glob("toy.tune.*/work/journal.jsonl"))
    return [json.loads(line) for line in found[0].read_bytes().splitlines() if line.endswith(b"}")] if found else []


def ended(project: TestProject) -> list[int]:
    return [line["ended"]["number"] for line in journal(project) if "ended" in line]


def killed(project: TestProject, words: tuple[str, ...], more: int) -> None:
    """Run until so many more trials are over, and kill the driver."""
    enough = len(ended(project)) + more
    process = started(project, *words)
    children = []

    def look() -> bool:
        children[:] = psutil.Process(process.pid).children(recursive=True) or children
        return len(ended(project)) >= enough

    assert until(look, process), (project.root / "said.log").read_text()
    process.kill()
    process.wait()
    assert not left(children), "the driver's processes have gone with it"


def left(children: list[psutil.Process]) -> list[psutil.Process]:
    """Those that are still running after a while; one that is dead and not yet buried by its parent is not."""
    limit = time.monotonic() + 10
    while time.monotonic() < limit and (alive := [one for one in children if runs(one)]):
        time.sleep(0.1)
    return alive


def runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def finished(project: TestProject, words: tuple[str, ...]) -> None:
    process = started(project, *words)
    assert process.wait(_PATIENCE) == 0, (project.root / "said.log").read_text()


def undisturbed(folder: Path, words: tuple[str, ...]) -> TestProject:
    folder.mkdir()
    other = toys(TestProject(folder))
    finished(other, words)
    return other


def goes_on(project: TestProject, words: tuple[str, ...], kills: int, more: int) -> list[dict]:
    """Kill the driver so many times, each after so many more trials, and let it end; the table of trials, of which none was lost or run twice."""
    before: dict[int, str] = {}
    for _ in range(kills):
        killed(project, words, more)
        now = {line["ended"]["number"]: line["ended"]["state"] for line in journal(project) if "ended" in line}
        assert len(ended(project)) == len(now), "a trial has ended twice"
        assert before.items() <= now.items()
        before = now
    runs = Counter((one["x"], one["y"]) for one in fits(project))
    finished(project, words)
    found = trials(project)
    after = Counter((one["x"], one["y"]) for one in fits(project))
    assert {one["number"]: one["state"] for one in found if one["number"] in before} == before
    for one in found:
        key = one["values"]["x"], one["values"]["y"]
        if one["number"] in before:
            assert after[key] - runs[key] == (one == best(found)), f"trial {one['number']} was over, and was run again"
    return found


@pytest.mark.timeout(900)  # Ray is started three times
@pytest.mark.slow
def test_a_killed_driver_loses_no_trial_runs_none_twice_and_ends_as_if_undisturbed(toy, tmp_path: Path):
    words = ("sweep=asha", "sweep.search=tpe", "sweep.trials=12", "sweep.concurrency=1", SPACE, "trainer.max_epochs=4", "trainer.pause=0.02")
    found = goes_on(toy, words, kills=1, more=5)
    assert [one["number"] for one in found] == list(range(12))
    assert tuned(undisturbed(tmp_path / "other", words)).name == tuned(toy).name, "the same trials, the same choice, the same bytes"


def best(found: list[dict]) -> dict:
    return min((one for one in found if one["state"] == "done"), key=lambda one: one["findings"]["validation/loss"])


@pytest.mark.parametrize("continued", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_ctrl_c_leaves_nothing_running_and_the_same_command_continues(toy, continued: bool):
    trials_in_all = 6 if continued else 60
    words = ("sweep=random", f"sweep.trials={trials_in_all}", SPACE, "trainer.pause=0.5")
    process = started(toy, *words)
    assert until(lambda: len(ended(toy)) >= 2, process), (toy.root / "said.log").read_text()
    children = psutil.Process(process.pid).children(recursive=True)
    os.kill(process.pid, signal.SIGINT)
    assert process.wait(_PATIENCE) == 130
    assert children
    assert not left(children)
    assert len(ended(toy)) >= 2
    if continued:
        finished(toy, words)
        assert len(trials(toy)) == 6
    assert "Traceback" not in (toy.root / "said.log").read_text()


@pytest.mark.slow
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("at_a_time", [1, 2])
def test_sixty_trials_of_halving_killed_ten_times_are_sixty_trials_none_twice(toy, tmp_path: Path, at_a_time: int):
    words = ("sweep=asha", "sweep.trials=60", f"sweep.concurrency={at_a_time}", SPACE, "trainer.max_epochs=9", "trainer.pause=0.01")
    found = goes_on(toy, words, kills=10, more=5)
    assert [one["number"] for one in found] == list(range(60))
    if at_a_time == 1:
        assert tuned(undisturbed(tmp_path / "other", words)).name == tuned(toy).name


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_population_whose_driver_is_killed_ends_as_if_undisturbed(toy, tmp_path: Path):
    words = ("trainer=growing", "trainer.max_epochs=8", "sweep=pbt", "sweep.population=4", "sweep.trials=16", "trainer.pause=0.05")
    for more in (3, 4, 5):
        killed(toy, words, more)
    finished(toy, words)
    assert tuned(undisturbed(tmp_path / "other", words)).name == tuned(toy).name


def test_a_cluster_that_does_not_answer_is_told_soon(toy):
    began = time.monotonic()
    outcome = toy.run("run", "toy", "sweep=random", SPACE, "sweep.address='127.0.0.1:9'")
    assert outcome.code == 5, outcome.text
    assert "no Ray cluster answers at 127.0.0.1:9" in outcome.text
    assert time.monotonic() - began < 15
