"""What becomes of a fit's processes when the command that has started them ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from tests.builtin.clusters.test_runs_under_torchrun import RECIPE

from mlforge.testing.project import TestProject

LONG = ("run", "small", "cluster=local", "cluster.workers=2", "trainer.max_epochs=2000", "trainer.patience=null", "trainer.checkpoint_every=0.3s")


def until(condition: Callable[[], object], seconds: float = 120.0) -> None:
    """Wait for something that happens."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


def fitting(project: TestProject) -> tuple[subprocess.Popen[str], list[psutil.Process]]:
    """A command that fits in two processes and has left a checkpoint, and the two."""
    project.write(small=RECIPE)
    command = [sys.executable, "-m", "mlforge", *LONG]
    driver = subprocess.Popen(command, cwd=project.root, env={**os.environ, "OMP_NUM_THREADS": "1"}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until(lambda: driver.poll() is not None or checkpoints(project))
    assert driver.poll() is None, driver.communicate()
    return driver, psutil.Process(driver.pid).children()


def checkpoints(project: TestProject) -> list[Path]:
    return [path for path in (project.root / ".mlforge" / "work").glob("*/work/fit/epoch-*") if path.suffix != ".draft"]


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)])
def test_a_command_that_is_stopped_ends_its_processes_and_keeps_the_checkpoint(project: TestProject, number: signal.Signals) -> None:
    driver, ranks = fitting(project)
    assert len(ranks) == 2
    driver.send_signal(number)
    _, said = driver.communicate(timeout=60)
    assert driver.returncode == 130, said
    assert "The same command continues" in said
    assert not any(rank.is_running() for rank in ranks)
    assert checkpoints(project)


def test_no_process_outlives_a_command_that_was_killed(project: TestProject) -> None:
    driver, ranks = fitting(project)
    driver.kill()
    driver.communicate(timeout=60)
    until(lambda: not any(rank.is_running() and rank.status() != psutil.STATUS_ZOMBIE for rank in ranks), 20)
