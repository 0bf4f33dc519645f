"""The batch script that a SLURM scheduler is handed: text, made from typed settings, with every value quoted."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlforge.builtin.clusters.slurm import Slurm

__all__ = ["SETUP", "batch_script"]

SETUP = "slurm.sh"
"""A file of the project's root that the script reads first: modules to load, an environment to activate. It is code, so no recipe can name another."""


def batch_script(settings: Slurm, command: Sequence[str], root: Path, here: Path) -> str:
    """The script: the allocation that is asked for, then the command once for each rank."""
    lines = ["#!/bin/bash", *(f"#SBATCH --{name}={value}" for name, value in _asked(settings, root).items())]
    lines += ["#SBATCH --requeue" if settings.requeue else "#SBATCH --no-requeue", "set -euo pipefail"]
    if (root / SETUP).is_file():
        lines += [f". {shlex.quote(str(root / SETUP))}"]
    lines += [f"export {name}={shlex.quote(value)}" for name, value in settings.env.items()]
    lines += [
        f"cd {shlex.quote(str(here))}",
        'export MASTER_ADDR="$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)"',
        'export MASTER_PORT="$((15000 + SLURM_JOB_ID % 20000))"',
        'export SRUN_CPUS_PER_TASK="$SLURM_CPUS_PER_TASK"',
        "code=0",
        f"srun --kill-on-bad-exit=1 {shlex.join(command)} || code=$?",
    ]
    if settings.requeue:  # 130: asked to stop ahead of the end, with a checkpoint
        lines += ['if [ "$code" -eq 130 ]; then scontrol requeue "$SLURM_JOB_ID"; fi']
    return "\n".join([*lines, 'exit "$code"']) + "\n"


def _asked(settings: Slurm, root: Path) -> Mapping[str, str | int]:
    found: dict[str, str | int | None] = {
        "job-name": settings.name,
        "nodes": settings.nodes,
        "ntasks-per-node": settings.tasks or settings.gpus or 1,
        "gpus-per-node": settings.gpus or None,
        "cpus-per-task": settings.cpus,
        "mem": settings.memory,
        "time": _time(settings.time) if settings.time is not None else None,
        "partition": settings.partition,
        "account": settings.account,
        "qos": settings.qos,
        "signal": f"USR1@{math.ceil(settings.notice)}" if settings.notice is not None else None,
        "output": f'"{root / ".mlforge" / "slurm"}/%x-%j.log"',
        "open-mode": "append",
        **{str(name): value for name, value in settings.options.items()},
    }
    return {name: value for name, value in found.items() if value is not None}


def _time(seconds: float) -> str:
    minutes = math.ceil(seconds / 60)
    return f"{minutes // 1440}-{minutes // 60 % 24:02d}:{minutes % 60:02d}:00"
