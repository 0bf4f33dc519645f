"""A real server of replicas for tests: `mlforge serve … cluster=ray` in a process of its own, on a Ray of its own or at the address of another."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
from tests.serving.running import Running, announced

__all__ = ["on_ray", "replicas"]

_START = 280.0  # seconds: Ray takes its time on a machine under load
_STOP = 90.0


@contextmanager
def on_ray(*arguments: str, cwd: Path, **env: str) -> Iterator[Running]:
    """The server until the end of the block; nothing that it has started outlives it."""
    log = cwd / "stderr.txt"
    with log.open("w") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", "from mlforge.cli import main; main()", "serve", *arguments, "cluster=ray", "--port", "0"],
            cwd=cwd, env={**os.environ, **env}, stdout=subprocess.PIPE, stderr=stderr, text=True, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    late = threading.Timer(_START, process.kill)
    late.start()
    try:
        yield announced(process, log, _START)
    finally:
        late.cancel()
        family = _family(process)
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(_STOP)
            except subprocess.TimeoutExpired:
                process.kill()
        _, left = psutil.wait_procs(family, timeout=20)
        for one in left:
            with suppress(psutil.Error):
                one.kill()
        process.wait(10)
        assert process.stdout is not None
        process.stdout.close()


def _family(process: subprocess.Popen[str]) -> list[psutil.Process]:
    with suppress(psutil.Error):
        return psutil.Process(process.pid).children(recursive=True)
    return []


def replicas(server: Running) -> list[psutil.Process]:
    """The processes of its replicas."""
    found = []
    for child in _family(server.process):
        with suppress(psutil.Error):
            found += [child] if "ServeReplica" in " ".join(child.cmdline()) else []
    return found
