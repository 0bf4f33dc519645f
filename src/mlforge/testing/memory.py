"""A process under a memory limit that counts page cache too: a cgroup of its own, where this user may make one."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

__all__ = ["limited", "may_limit", "run_limited"]

_ROOT = Path("/sys/fs/cgroup")
_FILES = {"memory.max": "memory.peak", "memory.limit_in_bytes": "memory.max_usage_in_bytes"}  # of version 2 and 1: the limit, and the most that was used


def may_limit() -> bool:
    """Can this user limit a process's memory."""
    try:
        with limited(1 << 30):
            return True
    except OSError:
        return False


@contextmanager
def limited(most: int) -> Iterator[Path]:
    """A cgroup whose processes may use so many bytes, pages of files included; taken away afterwards. Raises OSError where it cannot be made."""
    parent = _ROOT / "memory" if (_ROOT / "memory").is_dir() else _ROOT
    group = parent / f"mlforge-{os.getpid()}-{time.monotonic_ns()}"
    group.mkdir()
    try:
        limit = next((group / name for name in _FILES if (group / name).exists()), None)
        if limit is None:
            raise OSError(f"{group} has no memory controller")
        limit.write_text(str(most))
        yield group
    finally:
        _removed(group)


def run_limited(command: Sequence[str], most: int, **more: object) -> tuple[subprocess.CompletedProcess[str], int]:
    """Run a command under the limit: how it ended, and the most bytes that it has used."""
    with limited(most) as group:
        entered = ["sh", "-c", f'echo $$ > {group}/cgroup.procs && exec "$@"', "sh", *command]
        done = subprocess.run(entered, capture_output=True, text=True, check=False, **more)  # type: ignore[call-overload]
        used = next((int((group / peak).read_text()) for peak in _FILES.values() if (group / peak).exists()), 0)
        return done, used


def _removed(group: Path) -> None:
    for _ in range(100):  # the kernel needs a moment after the last process has ended
        try:
            group.rmdir()
        except OSError:
            time.sleep(0.02)
        else:
            return
