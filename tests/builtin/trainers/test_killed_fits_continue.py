"""Killed or asked to stop anywhere, the same fit ends with the same bytes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.builtin.trainers import killing
from tests.builtin.trainers.fittings import files
from tests.builtin.trainers.killing import STEPS, one, trainer

KILLS = int(os.environ.get("KILLS", "50"))


def outcomes(folder: Path, workers: int, portions: int, points: int, seed: int) -> list[dict]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[3]), os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, "-m", "tests.builtin.trainers.killing", str(folder), *map(str, (workers, portions, points, seed))]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=290, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize(("workers", "portions"), [(0, 3), (2, 1)])
def test_kills_at_random_points_within_epochs_and_steps_change_nothing(tmp_path, workers, portions):
    told = outcomes(tmp_path, workers, portions, 2, seed=11 + workers)
    assert all(point["same"] for point in told), told
    assert all(point["killed"][0] for point in told)
    assert any("step" in name for point in told for name in point["left"]), "no checkpoint within an epoch was left"


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("part", range(5))
@pytest.mark.parametrize("portions", [1, 3])
@pytest.mark.parametrize("workers", [0, 2])
def test_fifty_kills_change_nothing(tmp_path, workers, portions, part):
    """KILLS points for each number of workers."""
    points = -(-KILLS // 10)
    told = outcomes(tmp_path, workers, portions, points, seed=100 * part + 10 * workers + portions)
    assert [point["same"] for point in told] == [True] * points, told


@pytest.fixture
def asking(monkeypatch):
    """A signal at the n-th forward pass, from the process itself."""

    def ask(number: signal.Signals) -> None:
        monkeypatch.setattr(killing, "disturb", lambda: os.kill(os.getpid(), number))

    return ask


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1, signal.SIGINT])
def test_who_asks_gets_a_checkpoint_of_the_step_and_an_interruption(tmp_path, asking, number):
    """In the second portion of the fifth step of the first epoch: the step is finished first."""
    handlers = [signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)]
    asking(number)
    fitted = trainer(portions=3, checkpoint_steps=None)
    with pytest.raises(KeyboardInterrupt):
        fitted.fit(one(tmp_path / "asked", at=4 * 3 + 2))
    assert [signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)] == handlers
    assert [path.name for path in (tmp_path / "asked" / "work").iterdir()] == ["epoch-00000-step-000000005"]
    fitted.fit(one(tmp_path / "asked"))
    fitted.fit(one(tmp_path / "undisturbed"))
    assert files(tmp_path / "asked") == files(tmp_path / "undisturbed")


@pytest.mark.parametrize(("at", "left"), [(2 * STEPS + 1, f"epoch-00001-step-{STEPS:09d}"), (2 * STEPS + 2, "epoch-00002")], ids=["last step", "judged"])
def test_who_asks_when_an_epoch_is_learned_loses_nothing_of_it(tmp_path, asking, at, left):
    asking(signal.SIGTERM)
    fitted = trainer(checkpoint_steps=None)
    with pytest.raises(KeyboardInterrupt):
        fitted.fit(one(tmp_path / "asked", at=at))
    assert [path.name for path in (tmp_path / "asked" / "work").iterdir()] == [left]
    fitted.fit(one(tmp_path / "asked"))
    fitted.fit(one(tmp_path / "undisturbed"))
    assert files(tmp_path / "asked") == files(tmp_path / "undisturbed")


def test_a_second_interrupt_does_not_wait_for_the_step(tmp_path, monkeypatch):
    def twice() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(killing, "disturb", twice)
    with pytest.raises(KeyboardInterrupt):
        trainer(checkpoint_steps=None).fit(one(tmp_path / "asked", at=3))
    assert not list((tmp_path / "asked" / "work").iterdir())


def test_checkpoints_come_after_so_many_steps_and_so_many_are_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(killing, "disturb", _die)
    with pytest.raises(_Died):
        trainer(checkpoint_steps=2, checkpoints=3).fit(one(tmp_path / "fit", at=STEPS + 1 + 6))
    assert STEPS % 2 == 1
    assert sorted(path.name for path in (tmp_path / "fit" / "work").iterdir()) == [f"epoch-00001-step-{step:09d}" for step in (1, 3, 5)]


class _Died(BaseException):
    """Stands for a kill at a chosen pass."""


def _die() -> None:
    raise _Died
