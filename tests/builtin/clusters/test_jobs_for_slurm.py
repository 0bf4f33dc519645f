"""Batch scripts for SLURM: their text, and what comes of them under a scheduler that runs two tasks here."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from tests.builtin.clusters.scheduler import ended, scheduler
from tests.builtin.clusters.test_runs_under_torchrun import RECIPE

from mlforge.builtin.clusters.batch_script import batch_script
from mlforge.builtin.clusters.slurm import Slurm, _first, _tasks_here
from mlforge.errors import RecipeError
from mlforge.testing.project import TestProject


def test_the_script_asks_for_what_the_recipe_asks_for_and_bash_reads_it(tmp_path: Path) -> None:
    settings = Slurm(
        nodes=2, gpus=4, cpus=8, memory="200G", time=5400, partition="gpu", account="lab_1", qos="high", options={"constraint": "a100&nvlink"},
        env={"NCCL_DEBUG": "INFO"},
    )  # fmt: skip
    (tmp_path / "slurm.sh").write_text("module load cuda\n")
    text = batch_script(settings, ["python", "-m", "mlforge", "run", "adult", "name=it's $HOME; rm -rf /"], tmp_path, tmp_path / "a folder")
    for line in (
        "--nodes=2", "--ntasks-per-node=4", "--gpus-per-node=4", "--cpus-per-task=8", "--mem=200G", "--time=0-01:30:00", "--partition=gpu", "--account=lab_1",
        "--qos=high", "--constraint=a100&nvlink", "--signal=USR1@90", "--requeue",
    ):  # fmt: skip
        assert f"\n#SBATCH {line}\n" in text
    assert f"\n. {tmp_path}/slurm.sh\n" in text
    assert "\nexport NCCL_DEBUG=INFO\n" in text
    assert "mlforge run adult 'name=it'\"'\"'s $HOME; rm -rf /' ||" in text
    assert f"\ncd '{tmp_path}/a folder'\n" in text
    assert text.index("#SBATCH --requeue") < text.index("set -euo"), "sbatch reads no further than the first command"
    script = tmp_path / "script.sh"
    script.write_text(text)
    assert subprocess.run(["bash", "-n", str(script)], capture_output=True).returncode == 0
    assert "requeue" not in re.sub("--no-requeue", "", batch_script(Slurm(requeue=False), ["mlforge"], tmp_path, tmp_path))


@pytest.mark.parametrize(
    ("key", "value"),
    [("partition", "gpu\n#SBATCH --wrap=x"), ("options", {"wrap": "rm"}), ("options", {"comment": "a b"}), ("env", {"LD_PRELOAD": "x.so"}), ("memory", "64 G")],
)
def test_a_recipe_cannot_bring_code_into_the_script(key: str, value: object) -> None:
    with pytest.raises(ValueError, match=key):
        Slurm.model_validate({key: value})


def test_a_dry_run_prints_the_script_and_submits_nothing(project: TestProject, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write(small=RECIPE)
    shown = project.run("run", "small", "cluster=slurm", "cluster.tasks=2", "--smoke", "--dry-run")
    assert shown.code == 0, shown.text
    assert shown.out.startswith("#!/bin/bash\n")
    assert "-m mlforge run small cluster=slurm cluster.tasks=2 --smoke || code=$?" in shown.out
    assert not (project.root / ".mlforge" / "slurm").exists()
    refused = project.run("run", "small", "--dry-run")
    assert (refused.code, "--dry-run prints the batch script of cluster=slurm" in refused.err) == (2, True)


def test_without_sbatch_the_exit_code_is_5_and_one_line_says_why(project: TestProject, tmp_path: Path) -> None:
    project.write(small=RECIPE)
    (tmp_path / "empty").mkdir()
    missing = project.run("run", "small", "cluster=slurm", PATH=str(tmp_path / "empty"))
    assert missing.code == 5
    assert missing.err.startswith("cluster: slurm: this machine has no sbatch, and is not in an allocation\n")


def test_a_job_that_sbatch_refuses_says_why(project: TestProject, tmp_path: Path) -> None:
    project.write(small=RECIPE)
    (tmp_path / "sbatch").write_text("#!/bin/sh\necho 'sbatch: error: invalid partition specified: gpus' >&2\nexit 1\n")
    (tmp_path / "sbatch").chmod(0o755)
    refused = project.run("run", "small", "cluster=slurm", PATH=f"{tmp_path}:/usr/bin:/bin")
    assert refused.code == 6
    assert "sbatch refused the job: sbatch: error: invalid partition specified: gpus" in refused.err


@pytest.mark.slow
def test_two_tasks_of_a_job_fit_together(project: TestProject, tmp_path: Path) -> None:
    project.write(small=RECIPE)
    stub = scheduler(tmp_path)
    submitted = project.command("run", "small", "cluster=slurm", "cluster.tasks=2", **stub)
    assert submitted.code == 0, submitted.text
    assert submitted.out.startswith(f"Submitted job {stub['STUB_JOB']}\n")
    code, log = ended(tmp_path), next((project.root / ".mlforge" / "slurm").glob("*.log")).read_text()
    assert code == "0", log
    assert log.count("small  run ") == 1
    assert log.count("trained for 3 epochs") == 1


@pytest.mark.slow
def test_a_job_that_is_asked_to_stop_leaves_a_checkpoint_is_queued_again_and_goes_on(project: TestProject, tmp_path: Path) -> None:
    project.write(small=RECIPE)
    stub = scheduler(tmp_path)
    arguments = ("run", "small", "cluster=slurm", "cluster.tasks=2", "trainer.max_epochs=300", "trainer.patience=null", "trainer.checkpoint_every=0.5s")
    project.command(*arguments, **stub, STUB_NOTICE=str(project.root / ".mlforge" / "work"))
    logs = project.root / ".mlforge" / "slurm"
    code, log = ended(tmp_path), next(logs.glob("*.log")).read_text()
    assert code == "130", log
    assert (tmp_path / "code.scontrol").read_text() == f"requeue {stub['STUB_JOB']}\n"
    project.command(*arguments, **stub)
    code, log = ended(tmp_path), next(logs.glob("*.log")).read_text()
    assert code == "0", log
    assert "trained for 300 epochs" in log
    assert "ingest    reused" in log


def test_inside_a_job_but_not_started_by_srun_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SLURM_JOB_ID", "17")
    monkeypatch.delenv("SLURM_STEP_ID", raising=False)
    with pytest.raises(RecipeError, match="this is job 17, and srun has not started this command\nInside an allocation start it with: srun mlforge run"):
        Slurm().script(["run"], tmp_path)


def test_lists_of_hosts_and_tasks_are_read_as_slurm_writes_them() -> None:
    assert [_first(nodes) for nodes in ("gpu[05-08,11],cpu1", "node7", "a1,a2", "n[001,003].lan")] == ["gpu05", "node7", "a1", "n001.lan"]
    assert [_tasks_here("2(x3),1", node) for node in range(4)] == ["2", "2", "2", "1"]
