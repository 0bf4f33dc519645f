"""Fits by several processes of this machine, with gloo."""

from __future__ import annotations

import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import psutil
import pytest
from tests.builtin.clusters.fits import curves, fitting, trainer
from tests.builtin.clusters.test_runs_under_torchrun import RECIPE

from mlforge.builtin.clusters.local import Local
from mlforge.builtin.models.mlp import Mlp
from mlforge.builtin.trainers.estimator import Estimator
from mlforge.errors import MissingRequirement, RecipeError, RunFailed
from mlforge.finding import Finding
from mlforge.lifecycle.fitting.errand import carry_out
from mlforge.testing.project import TestProject

_SOON = 30.0  # seconds within which a run must end when one of its processes is gone


def ranks() -> dict[int, psutil.Process]:
    """The processes of a fit that this one has started."""
    return {int(child.environ()["RANK"]): child for child in psutil.Process().children() if "RANK" in child.environ()}


def test_two_processes_have_the_loss_curves_of_one_whatever_the_number_of_rows(tmp_path: Path) -> None:
    found: list[Finding] = []
    trainer().fit(fitting(tmp_path / "one"))
    seen: list[tuple[float, float, str]] = []
    carry_out(fitting(tmp_path / "two", found, lambda *told: seen.append(told)), trainer(), Local(workers=2), tmp_path / "errand")
    one, two = curves(tmp_path / "one"), curves(tmp_path / "two")
    assert one.keys() == two.keys() >= {"train/loss", "validation/loss", "validation/accuracy"}
    for name, values in one.items():
        assert two[name] == pytest.approx(values, abs=1e-5), name
    assert [finding.name for finding in found].count("train/seconds") == 1
    assert seen[-1][1] == 3
    assert not ranks()


def test_a_killed_process_ends_the_fit_soon_with_its_rank_and_the_fit_can_be_continued(tmp_path: Path) -> None:
    killed: list[tuple[float, psutil.Process]] = []

    def kill(done: float, total: float, note: str) -> None:
        if not killed and any((tmp_path / "work").glob("[!.]*[0-9]")):  # there is a checkpoint
            everyone = ranks()
            killed.append((time.monotonic(), everyone[0]))
            everyone[1].send_signal(signal.SIGKILL)

    long = trainer(max_epochs=60, checkpoint_every=0.3)
    with pytest.raises(RunFailed, match="rank 1 of 2 was ended by SIGKILL") as failed:
        carry_out(fitting(tmp_path, progress=kill), long, Local(workers=2), tmp_path / "errand")
    assert time.monotonic() - killed[0][0] < _SOON
    assert failed.value.exit_code == 6
    assert not killed[0][1].is_running()
    assert not ranks()
    begun: list[float] = []
    carry_out(fitting(tmp_path, progress=lambda done, total, note: begun.append(done)), long, Local(workers=1), tmp_path / "errand")
    assert begun[0] > 0.5, "it began anew"
    long.fit(fitting(tmp_path / "undisturbed"))
    undisturbed, continued = curves(tmp_path / "undisturbed"), curves(tmp_path)
    assert continued["validation/loss"] == pytest.approx(undisturbed["validation/loss"], abs=1e-4), "rows came in another order"
    assert continued["train/loss"] == pytest.approx(undisturbed["train/loss"], abs=1e-4)


def test_what_is_wrong_in_a_process_is_told_as_if_it_were_here(tmp_path: Path) -> None:
    with pytest.raises(RunFailed, match=r"^rank \d: trainer: the loss of epoch 1") as failed:
        carry_out(fitting(tmp_path), trainer(lr=1e30, optimizer="sgd"), Local(workers=2), tmp_path / "errand")
    assert "trainer.lr=" in failed.value.hint


@pytest.mark.slow  # what is wrong in a process arrives whatever it is, and test_memory_that_runs_out has it in one
def test_processes_that_run_out_of_memory_say_what_to_do(tmp_path: Path) -> None:
    """They have begun again with half as many rows each, as one process does, and that was too much too."""
    with pytest.raises(RunFailed, match=r"^rank \d: trainer: out of memory with 32 rows at a time: ") as failed:
        carry_out(fitting(tmp_path, model=Mlp(hidden=(1 << 44,))), trainer(), Local(workers=2), tmp_path / "errand")
    assert "Try trainer.accumulate=4" in failed.value.hint
    assert failed.value.exit_code == 6
    assert not ranks()


_NARROW = """
import os

from mlforge.builtin.models.mlp import Mlp


class Narrow(Mlp):
    \"""A network that takes no more than 20 rows at once, in one of the processes.\"""

    def build(self, blocks, output):
        import torch

        network = super().build(blocks, output)

        def refuse(module, inputs):
            if os.environ.get("RANK") == "1" and module.training and len(inputs[0]) > 20:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 rows")

        network.register_forward_pre_hook(refuse)
        return network
"""
_PLUGIN = """
from mlforge.hookspecs import hookimpl


@hookimpl
def mlforge_components():
    return {"model/narrow": "narrow.model:Narrow"}
"""


@pytest.mark.slow
def test_one_process_that_runs_out_of_memory_has_all_begin_again_with_half_as_many_rows(project: TestProject) -> None:
    recipe = RECIPE.replace("model: linear", "model: narrow").replace(", {exporters: [onnx]}", "")
    project.write({"narrow/__init__.py": _PLUGIN, "narrow/model.py": _NARROW, "mlforge.toml": 'plugins = ["narrow"]\n'}, small=recipe)
    words = ("small", "cluster=local", "cluster.workers=2", "trainer.batch_size=64", "trainer.max_epochs=2")
    outcome = project.run("run", *words)
    assert outcome.code == 0, outcome.text
    assert "out of memory with 64 rows at a time" in outcome.text
    assert "all processes begin again" in outcome.text
    with closing(sqlite3.connect(project.root / ".mlforge" / "records.db")) as records:
        ((told,),) = records.execute("SELECT value FROM findings WHERE name = 'train/micro_batch'")
    assert told == 32
    asked = project.run("run", *words, "trainer.accumulate=2")
    assert asked.code == 0, asked.text
    made = {path.read_bytes() for path in (project.root / ".mlforge/artifacts").glob("*/weights.safetensors")}
    assert len(made) == 1, "it ends as if that had been asked for"
    assert not ranks()


@pytest.mark.slow  # likewise, and test_full_disks has it in one
def test_a_disk_that_is_full_in_a_process_is_told_as_if_it_were_here(tmp_path: Path) -> None:
    """`/dev/full` has no room: whatever is written there fails as on a full disk."""
    one = fitting(tmp_path)
    (one.folder / "curves.parquet").symlink_to("/dev/full")
    with pytest.raises(RunFailed, match=r"^rank 0: stage train: no space left on the disk") as failed:
        carry_out(one, trainer(), Local(workers=2), tmp_path / "errand")
    assert failed.value.hint == "Free some space; the same command continues."


def test_more_processes_than_cores_are_told_before_anything_starts() -> None:
    with pytest.raises(MissingRequirement, match=r"cluster: 1000 processes, and this machine has \d+ CPU core") as missing:
        Local(workers=1000).ready(trainer())
    assert missing.value.exit_code == 5


def test_more_gpus_than_there_are_are_told_before_anything_starts() -> None:
    with pytest.raises(MissingRequirement, match=r"cluster: 1000 processes with a GPU each, and this machine has \d+"):
        Local(workers=1000).ready(trainer(accelerator="gpu"))


def test_a_trainer_that_fits_in_one_process_is_not_given_several() -> None:
    with pytest.raises(RecipeError, match="cluster: 2 processes, and trainer estimator fits in one"):
        Local(workers=2).ready(Estimator())
    Local().ready(Estimator())


def test_a_cluster_is_no_part_of_what_a_fit_depends_on(project: TestProject) -> None:
    project.write(small=RECIPE)
    assert project.run("run", "small", "trainer.max_epochs=1").code == 0
    planned = project.run("plan", "small", "trainer.max_epochs=1", "cluster=local", "cluster.workers=2")
    assert "train      reuse" in planned.out
