"""Ranks that a SLURM scheduler starts: the batch script outside of an allocation, the ranks inside."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from mlforge.builtin.clusters.batch_script import SETUP, batch_script
from mlforge.builtin.clusters.launched import Launched
from mlforge.components import Script
from mlforge.errors import MissingRequirement, RecipeError, RunFailed
from mlforge.units import Duration

__all__ = ["Slurm"]

Option = Literal[
    "begin", "comment", "constraint", "cpus-per-gpu", "deadline", "dependency", "distribution", "exclude", "exclusive", "gpu-bind", "gres", "hint", "licenses",
    "mail-type", "mail-user", "mem-per-cpu", "mem-per-gpu", "nice", "nodelist", "priority", "reservation", "switches", "threads-per-core", "tmp", "wckey",
]  # fmt: skip
"""Options of sbatch that neither run anything nor write anywhere."""

Variable = Literal[
    "CUDA_LAUNCH_BLOCKING", "GLOO_SOCKET_IFNAME", "NCCL_DEBUG", "NCCL_IB_DISABLE", "NCCL_IB_HCA", "NCCL_P2P_DISABLE", "NCCL_SOCKET_IFNAME", "OMP_NUM_THREADS",
    "PYTORCH_CUDA_ALLOC_CONF", "TORCH_DISTRIBUTED_DEBUG", "TORCH_NCCL_ASYNC_ERROR_HANDLING",
]  # fmt: skip
"""Variables that change how ranks talk, and can load nothing."""

Word = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.,:@%+/\[\]=&|*()!-]*$", max_length=200)]
_TIMEOUT = 60  # seconds in which sbatch must have answered


class Slurm(Launched):
    """A SLURM cluster: submits a batch script, and fits with the ranks that srun starts in it."""

    nodes: int = Field(default=1, ge=1, le=10_000, description="machines")
    tasks: int | None = Field(default=None, ge=1, le=1024, description="ranks on each machine; null: one a GPU, or one")
    gpus: int = Field(default=0, ge=0, le=64, description="GPUs of each machine")
    cpus: int = Field(default=1, ge=1, le=1024, description="CPU cores of each rank")
    memory: str | None = Field(default=None, pattern=r"^\d+[KMGT]?$", description="memory of each machine, such as 64G; null: the partition's default")
    time: Duration | None = Field(default=None, description="longest time that the job may take; null: the partition's default")
    partition: Word | None = Field(default=None, description="where to queue")
    account: Word | None = Field(default=None, description="who pays")
    qos: Word | None = Field(default=None, description="quality of service")
    name: Word = Field(default="mlforge", description="the job's name")
    notice: Duration | None = Field(default=90.0, description="how long ahead of its end, or of pre-emption, a job is asked to leave a checkpoint and stop")
    requeue: bool = Field(default=True, description="queue a job again that was asked to stop, or whose machine failed: it goes on from its checkpoint")
    options: Mapping[Option, Word] = Field(default_factory=dict, description="further options of sbatch, without dashes: {constraint: a100}")
    env: Mapping[Variable, Word] = Field(default_factory=dict, description=f"variables of how ranks talk; anything else belongs into the project's {SETUP}")

    def variables(self) -> Mapping[str, str] | None:
        """What srun has set, in torch's words."""
        given = os.environ
        if "SLURM_STEP_ID" not in given or "SLURM_PROCID" not in given:
            return None
        tasks = given.get("SLURM_STEP_TASKS_PER_NODE") or given.get("SLURM_TASKS_PER_NODE", "1")
        nodes = given.get("SLURM_STEP_NODELIST") or given.get("SLURM_JOB_NODELIST") or "127.0.0.1"
        return {
            "RANK": given["SLURM_PROCID"],
            "WORLD_SIZE": given.get("SLURM_STEP_NUM_TASKS") or given.get("SLURM_NTASKS", "1"),
            "LOCAL_RANK": given.get("SLURM_LOCALID", "0"),
            "LOCAL_WORLD_SIZE": _tasks_here(tasks, int(given.get("SLURM_NODEID", "0"))),
            "GROUP_RANK": given.get("SLURM_NODEID", "0"),
            "MASTER_ADDR": given.get("MASTER_ADDR") or _first(nodes),
            "MASTER_PORT": given.get("MASTER_PORT") or str(15000 + int(given.get("SLURM_JOB_ID", "0")) % 20000),
        }

    def how(self) -> str:
        """With srun."""
        return "Inside an allocation start it with: srun mlforge run …"

    def script(self, command: Sequence[str], folder: Path) -> Script | None:
        """Outside of an allocation, the script that asks for one."""
        if self.variables() is not None:
            return None
        if "SLURM_JOB_ID" in os.environ:
            raise RecipeError(f"cluster: slurm: this is job {os.environ['SLURM_JOB_ID']}, and srun has not started this command", hint=self.how())
        text = batch_script(self, command, folder, Path.cwd())
        name = hashlib.sha256(text.encode()).hexdigest()[:16]
        return Script(text, folder / ".mlforge" / "slurm" / f"{name}.sh", _submitted)


def _submitted(path: Path) -> str:
    sbatch = shutil.which("sbatch")
    if sbatch is None:
        hint = "Run it where jobs are submitted; --dry-run prints the script."
        raise MissingRequirement("cluster: slurm: this machine has no sbatch, and is not in an allocation", hint=hint)
    try:
        done = subprocess.run([sbatch, "--parsable", str(path)], capture_output=True, text=True, check=False, timeout=_TIMEOUT, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        raise RunFailed(f"cluster: slurm: sbatch has not answered within {_TIMEOUT} s", hint="Is the scheduler up? squeue would say.") from None
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip() or "it says nothing").splitlines()[0][:300]
        raise RunFailed(f"cluster: slurm: sbatch refused the job: {said}", hint=f"The script: {path}")
    job = done.stdout.strip().partition(";")[0]
    return f"Submitted job {job}\nScript  {path}\nWatch   squeue -j {job}"


def _first(nodes: str) -> str:
    """The first host of a list as SLURM writes it: "gpu[05-08,11],cpu1" begins with gpu05."""
    return re.sub(r"^([^,\[]*)\[([^\],-]*)[^\]]*\]([^,]*).*$", r"\1\2\3", nodes).partition(",")[0]


def _tasks_here(tasks: str, node: int) -> str:
    """How many tasks this machine has, of a list as SLURM writes it: "2(x3),1" is 2, 2, 2, 1."""
    each: list[str] = []
    for part in tasks.split(","):
        count, _, times = part.partition("(x")
        each += [count] * int(times.rstrip(")") or "1")
    return each[min(node, len(each) - 1)]
