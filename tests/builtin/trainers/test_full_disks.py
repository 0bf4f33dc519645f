"""A disk that is full when a checkpoint is written: a small one in memory, which is mounted where the rights allow it."""

from __future__ import annotations

import dataclasses
import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from tests.builtin.trainers.fittings import files, fitting

from mlforge.builtin.trainers.lightning import Lightning
from mlforge.errors import RunFailed
from mlforge.lifecycle.costs.limits import machine_limits


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one mebibyte."""
    where = tmp_path / "disk"
    where.mkdir()
    try:
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(where)], capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("there is no mount here")
    if mounted.returncode:
        pytest.skip(f"no disk can be mounted here: {mounted.stderr.strip()}")
    try:
        yield where
    finally:
        subprocess.run(["umount", "--lazy", str(where)], check=True)


def fill(disk: Path) -> None:
    """To the last byte."""
    with suppress(OSError), (disk / "filler").open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 1024)
    assert os.statvfs(disk).f_bavail == 0


def test_a_disk_that_is_full_at_a_checkpoint_ends_the_run_and_nothing_is_lost(tmp_path: Path, disk: Path) -> None:
    trainer = Lightning(max_epochs=4, batch_size=64, accelerator="cpu", threads=1, patience=None, checkpoint_every=0.001)
    work = disk / "work"
    work.mkdir()
    epochs: list[float] = []

    def watch(done: float, total: float, note: str) -> None:
        epochs.append(done)
        if done >= 2 and not (disk / "filler").exists():
            fill(disk)

    one = dataclasses.replace(fitting(tmp_path / "full"), work=work, progress=watch)
    with pytest.raises(RunFailed, match=r"^stage train: no space left on the disk\nFree some space; the same command") as failed, machine_limits("train"):
        trainer.fit(one)
    assert failed.value.exit_code == 6
    assert not files(tmp_path / "full")
    assert [path for path in work.iterdir() if path.suffix != ".draft"], "the checkpoint before is gone"
    (disk / "filler").unlink()
    epochs.clear()
    trainer.fit(dataclasses.replace(one, progress=lambda done, total, note: epochs.append(done)))
    assert epochs[0] > 1, "it began anew"
    trainer.fit(fitting(tmp_path / "undisturbed"))
    assert files(tmp_path / "full") == files(tmp_path / "undisturbed")
