"""A retraining as a process of its own: the very `mlforge run` that a person would type. It ends when its watcher is killed, and continues when run again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from mlforge.errors import Interrupted

__all__ = ["Ran", "run"]

_ENTRY = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG: who is not watched any more stops, and leaves a checkpoint
if os.getppid() != int(sys.argv.pop(1)):
    sys.exit(130)
from mlforge.cli import main
main()
"""
_LOOK = 0.2  # seconds in which it is noticed that this process is to stop
_PATIENCE = 60.0  # seconds that a run has to leave a checkpoint when it is told to stop
_SHOWN = 600  # characters of what went wrong


@dataclass(frozen=True)
class Ran:
    """What came of a run."""

    code: int
    run: str = ""  # its id
    version: int | None = None  # that its bundle is
    waits: tuple[str, ...] = ()  # roles that have still to sign
    said: str = ""  # the error, in its own words

    @property
    def stopped(self) -> bool:
        """Was it killed or told to stop: the same command goes on from there."""
        return self.code < 0 or self.code == Interrupted.exit_code


def run(command: Sequence[str], cwd: Path, folder: Path, over: Event | None = None) -> Ran:
    """Run it to its end, however it ends. When `over` is set, or this process is interrupted, the run is told to stop, and has ended when that goes on."""
    out, err = folder / "out.json", folder / "err.txt"
    with out.open("wb") as stdout, err.open("wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", _ENTRY, str(os.getpid()), "run", *command, "--json"],
            cwd=cwd, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, start_new_session=True,
        )  # fmt: skip
        try:
            while process.poll() is None and not (over is not None and over.is_set()):
                with suppress(subprocess.TimeoutExpired):
                    process.wait(_LOOK)
        finally:
            code = _ended(process)
    return _read(code, out, err)


def _ended(process: subprocess.Popen[bytes]) -> int:
    """How it ended; one that still runs is told to, and has a while to leave a checkpoint."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait()


def _read(code: int, out: Path, err: Path) -> Ran:
    said = [line for line in err.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    told: dict[str, object] = {}
    with suppress(ValueError):
        told = json.loads(out.read_text(encoding="utf-8"))
    done = [str(one["subject"]) for one in _list(told.get("done")) if one.get("event") == "registered"]
    version = int(done[0].rpartition(" ")[2]) if done else None
    waits = told.get("waits")
    return Ran(code, str(told.get("run", "")), version, tuple(waits) if isinstance(waits, list) else (), "\n".join(said)[:_SHOWN])


def _list(value: object) -> list[dict[str, object]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
