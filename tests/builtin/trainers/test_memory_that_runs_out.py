"""A process whose memory is really too small for a step: it goes on with half as many rows at a time."""

from __future__ import annotations

import dataclasses
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from tests.builtin.trainers.fittings import CLASSES, files, fitting, tensors

from mlforge.builtin.models.mlp import Mlp
from mlforge.builtin.trainers.lightning import Lightning
from mlforge.finding import Finding

_ROWS, _ROOM = 16_384, 700_000_000  # of a hidden layer of 4096 these rows take 268 MB, and a step needs several such


def narrowly(folder: Path) -> None:
    """Fit with so much room and no more, and print what is told of memory. Run in a process of its own: the limit stays."""
    Lightning(max_epochs=1, batch_size=64, accelerator="cpu", threads=1).fit(fitting(folder / "warm", model=Mlp(hidden=(8,))))  # libraries are loaded
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + _ROOM, size + _ROOM))
    found: list[Finding] = []
    fit(folder, 1, found)
    sys.stdout.write(" ".join(finding.text for finding in found if finding.name == "train/micro_batch"))


def fit(folder: Path, portions: int, found: list[Finding]) -> None:
    wide = fitting(folder, model=Mlp(hidden=(4096,), dropout=0.0), train=tensors(_ROWS, 1, CLASSES))
    settings = Lightning(max_epochs=1, batch_size=_ROWS, accumulate=portions, accelerator="cpu", threads=1)
    settings.fit(dataclasses.replace(wide, find=found.append))


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is Linux's")
def test_a_step_that_memory_has_no_room_for_is_made_from_two_portions(tmp_path: Path):
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", f"from pathlib import Path; from {__name__} import narrowly; narrowly(Path({str(tmp_path / 'narrow')!r}))"]
    done = subprocess.run(command, env=environment, cwd=Path(__file__).parents[3], capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith(f"out of memory with {_ROWS} rows at a time: each step of {_ROWS} rows is now made from 2 portions of {_ROWS // 2}")
    fit(tmp_path / "asked", 2, [])
    assert files(tmp_path / "narrow") == files(tmp_path / "asked"), "it ends as if that had been asked for"
