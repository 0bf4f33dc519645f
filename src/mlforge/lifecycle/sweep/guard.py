"""Watches over the process that has started Ray: when that is gone, however it went, what it has started is ended too.

Ray's own agents find out by themselves, after a minute. Run as a script of its own, with nothing but the standard library; it ends when its input does.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["guarded"]

_LOOK = 0.3  # seconds between two looks at what there is
_PATIENCE = 10.0  # seconds for the guard to end


@contextmanager
def guarded() -> Iterator[None]:
    """Whatever of Ray this process starts within the block ends with the block, or with the process."""
    guard = subprocess.Popen([sys.executable, "-I", "-S", __file__, str(os.getpid())], stdin=subprocess.PIPE, start_new_session=True)
    try:
        yield
    finally:
        with suppress(OSError, subprocess.TimeoutExpired):
            guard.communicate(timeout=_PATIENCE)


def _descendants(root: int) -> Iterator[tuple[int, str]]:
    """Processes below one, each with the time at which it began: numbers are given again."""
    parents: dict[int, tuple[int, str]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, IndexError, ValueError):
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            parents[int(folder.name)] = (int(fields[1]), fields[19])
    wanted: set[int] = set()
    found = {root}
    while found:
        wanted |= found
        found = {pid for pid, (parent, _) in parents.items() if parent in wanted} - wanted
    for pid in wanted - {root, os.getpid()}:
        if _is_ray(pid):
            yield pid, parents[pid][1]


def _is_ray(pid: int) -> bool:
    with suppress(OSError):
        return b"ray" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False


def _watch(root: int) -> None:
    known: set[tuple[int, str]] = set()
    while True:
        known |= set(_descendants(root))
        if select.select([sys.stdin], [], [], _LOOK)[0]:
            break  # nobody writes: the other end is closed
    for pid, began in known:
        with suppress(OSError, IndexError):
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19] == began:
                os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    _watch(int(sys.argv[1]))
