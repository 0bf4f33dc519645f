"""Fits of several ranks; run as a program it has torch imported once and forks the ranks of each fit that a line of its standard input asks for."""

from __future__ import annotations

import dataclasses
import json
import os
import select
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from tests.builtin.trainers.fittings import CLASSES, fitting, tensors

from mlforge.builtin.models.mlp import Mlp
from mlforge.builtin.trainers.lightning import Lightning
from mlforge.components import Model, Place

SETTINGS = {"max_epochs": 3, "batch_size": 32, "lr": 0.01, "accelerator": "cpu", "threads": 1, "checkpoint_every": "1h"}
_LONG = 150.0  # seconds that a fit may take where others keep the machine busy

Together = Callable[..., list[tuple[int, str]]]


def one(folder: Path, place: Place | None = None, model: Model | None = None, **settings) -> None:
    """A fit over an odd number of rows, without dropout: it draws from each rank's own generator."""
    fit = fitting(folder, model=model or Mlp(hidden=(16, 8)), train=tensors(333, 1, CLASSES))
    Lightning(**(SETTINGS | settings)).fit(dataclasses.replace(fit, place=place or Place()))


@contextmanager
def forking() -> Iterator[Together]:
    """A call that fits in so many processes of this machine, and tells the exit code and output of each."""
    root = str(Path(__file__).parents[3])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")]), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "tests.builtin.trainers.ranks"]
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root, start_new_session=True) as server:

        def together(folder: Path, world: int, **settings) -> list[tuple[int, str]]:
            server.stdin.write(json.dumps([str(folder), world, settings]) + "\n")
            server.stdin.flush()
            assert select.select([server.stdout], [], [], _LONG)[0], "the ranks wait for each other"
            return [(code, said) for code, said in json.loads(server.stdout.readline())]

        try:
            yield together
        finally:
            os.killpg(server.pid, 9)


def _rank(folder: Path, place: Place, settings: dict) -> int:
    """One rank, in the variables that torchrun sets; its exit code."""
    os.environ |= {"RANK": str(place.rank), "LOCAL_RANK": str(place.rank), "WORLD_SIZE": str(place.world), "LOCAL_WORLD_SIZE": str(place.world)}
    try:
        one(folder, place, **settings)
    except BaseException:
        import traceback

        traceback.print_exc()
        return 1
    return 0


def _forked(folder: Path, place: Place, settings: dict, said: int) -> int:
    """The process of a rank. This one fits nothing itself: threads would not outlive the fork."""
    child = os.fork()
    if child:
        return child
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(said, 1)
    os.dup2(said, 2)
    code = 1
    try:
        code = _rank(folder, place, settings)
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def _together(folder: Path, world: int, settings: dict) -> list[tuple[int, str]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free.getsockname()[1])}
    with ExitStack() as stack:
        files = [stack.enter_context(tempfile.TemporaryFile("w+")) for _ in range(world)]
        ranks = [_forked(folder, Place(rank, world, rank, world), settings, file.fileno()) for rank, file in enumerate(files)]
        codes = [os.waitstatus_to_exitcode(os.waitpid(rank, 0)[1]) for rank in ranks]
        return [(code, _said(file)) for code, file in zip(codes, files, strict=True)]


def _said(file: IO[str]) -> str:
    file.seek(0)
    return file.read()


if __name__ == "__main__":
    import mlforge.builtin.trainers.fit  # noqa: F401  # torch and Lightning, once for all

    for line in sys.stdin:
        folder, world, settings = json.loads(line)
        sys.stdout.write(json.dumps(_together(Path(folder), world, settings)) + "\n")
        sys.stdout.flush()
