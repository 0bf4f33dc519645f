"""Whole runs whose ranks torchrun has started."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from tests.builtin.clusters.fits import trainer

from mlforge.builtin.clusters.torchrun import Torchrun
from mlforge.errors import RecipeError
from mlforge.testing.project import Outcome, TestProject

RECIPE = """
    mlforge: 1
    defaults: [lifecycle, {source: sample}, {split: stratified}, {model: linear}, {trainer: lightning}, {exporters: [onnx]}, _self_]
    name: small
    source: {name: breast_cancer}
    contract:
      extra: drop
      columns:
        mean_radius: {name: mean radius, dtype: float}
        mean_texture: {name: mean texture, dtype: float}
        target: {dtype: category, role: target, positive: malignant}
    trainer: {max_epochs: 3, accelerator: cpu}
"""


def torchrun(project: TestProject, *arguments: str) -> Outcome:
    launcher = ["-m", "torch.distributed.run", "--nproc-per-node=2", "--rdzv-backend=c10d", "--rdzv-endpoint=localhost:0"]
    command = [sys.executable, *launcher, "-m", "mlforge", *arguments]
    done = subprocess.run(command, cwd=project.root, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, timeout=200)
    return Outcome(done.returncode, done.stdout, done.stderr)


def test_ranks_of_torchrun_fit_together_and_only_one_speaks(project: TestProject) -> None:
    project.write(small=RECIPE)
    first = torchrun(project, "run", "small", "cluster=torchrun")
    assert first.code == 0, first.text
    assert first.out.count("small  run ") == 1
    assert first.out.count("trained for 3 epochs") == 1
    assert not list((project.root / ".mlforge" / "work").rglob("failed-*")), "a rank has failed"


@pytest.mark.slow
def test_ranks_that_have_nothing_to_fit_end_as_rank_0_ends(project: TestProject) -> None:
    project.write(small=RECIPE)
    assert project.command("run", "small", "--only", "ingest").code == 0
    ended = torchrun(project, "run", "small", "cluster=torchrun", "--only", "ingest")
    assert ended.code == 0, ended.text
    assert ended.out.count("small  run ") == 1


@pytest.mark.parametrize(("rank", "said"), [("0", True), ("1", False)])
def test_only_rank_0_says_what_is_wrong(project: TestProject, rank: str, said: bool) -> None:
    project.write(small=RECIPE)
    launched = {"TORCHELASTIC_RUN_ID": "none", "RANK": rank, "WORLD_SIZE": "2"}
    wrong = project.run("run", "small", "cluster=torchrun", "trainer.max_epoch=3", **launched)
    assert wrong.code == 2
    assert wrong.err.count("Did you mean max_epochs?") == said
    alone = project.run("run", "small", **launched)
    assert alone.code == 2
    assert alone.err.count("torchrun has started this command 2 times, and the recipe has no cluster\nAdd cluster=torchrun.") == said
    assert not (project.root / ".mlforge" / "records.db").exists(), "nothing was begun"


def test_without_torchrun_it_says_how_to_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TORCHELASTIC_RUN_ID", raising=False)
    with pytest.raises(RecipeError, match=r"this command was not started so\nStart it with: torchrun --nproc-per-node=2 -m mlforge run") as error:
        Torchrun().ready(trainer())
    assert error.value.exit_code == 2
