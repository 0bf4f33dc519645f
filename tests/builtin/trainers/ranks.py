"""One rank of a fit of several; run as a program: `python -m tests.builtin.trainers.ranks FOLDER SETTINGS`, in the variables that torchrun sets."""

from __future__ import annotations

import dataclasses
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

from tests.builtin.trainers.fittings import CLASSES, fitting, tensors

from mlforge.builtin.models.mlp import Mlp
from mlforge.builtin.trainers.lightning import Lightning
from mlforge.components import Place

SETTINGS = {"max_epochs": 3, "batch_size": 32, "lr": 0.01, "accelerator": "cpu", "threads": 1, "checkpoint_every": "1h"}


def one(folder: Path, place: Place | None = None, **settings) -> None:
    """A fit over an odd number of rows, without dropout: it draws from each rank's own generator."""
    fit = fitting(folder, model=Mlp(hidden=(16, 8)), train=tensors(333, 1, CLASSES))
    Lightning(**(SETTINGS | settings)).fit(dataclasses.replace(fit, place=place or Place()))


def together(folder: Path, world: int, **settings) -> list[tuple[int, str]]:
    """Fit in so many processes of this machine; exit code and output of each."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    root = str(Path(__file__).parents[3])
    shared = {**os.environ, "PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")]), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    shared |= {"WORLD_SIZE": str(world), "LOCAL_WORLD_SIZE": str(world), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "tests.builtin.trainers.ranks", str(folder), json.dumps(settings)]
    ranks = [
        subprocess.Popen(
            command, env={**shared, "RANK": str(rank), "LOCAL_RANK": str(rank)}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=root
        )
        for rank in range(world)
    ]
    try:
        said = [rank.communicate(timeout=150)[0] for rank in ranks]
    finally:
        for rank in ranks:
            rank.kill()
            rank.wait()
    return [(rank.returncode, text) for rank, text in zip(ranks, said, strict=True)]


if __name__ == "__main__":
    rank, world = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    one(Path(sys.argv[1]), Place(rank, world, rank, world), **json.loads(sys.argv[2]))
