"""One holder at a time, across processes; the lock goes with its process, however that ends."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock

from mlforge.errors import RunFailed

__all__ = ["Taken", "hold"]

# A POSIX record lock is not shared with forked workers (a flock would outlive its holder in them), but neither does it keep two threads
# of one process apart: this table does.
_held: dict[Path, int] = {}
_guard = Lock()


class Taken(RunFailed):
    """Somebody else holds a lock."""


@contextmanager
def hold(path: Path, what: str) -> Iterator[None]:
    """Hold the lock on `path`, or raise `Taken` naming who holds `what` and since when."""
    path = path.resolve()
    _claim(path, what)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            try:
                fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise _taken(what, os.pread(descriptor, 200, 0).decode("utf-8", "replace")) from None
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"process {os.getpid()} since {datetime.now(UTC).isoformat(timespec='seconds')}".encode(), 0)
            yield
            os.ftruncate(descriptor, 0)
        finally:
            os.close(descriptor)
    finally:
        with _guard:
            _held.pop(path, None)


def _claim(path: Path, what: str) -> None:
    with _guard:
        if _held.get(path) == os.getpid():  # a forked child inherits the table, not the locks
            raise _taken(what, f"process {os.getpid()} (this one)")
        _held[path] = os.getpid()


def _taken(what: str, holder: str) -> Taken:
    return Taken(f"{what} is taken by {holder or 'another process'}.", hint="Wait until it has finished, or stop it; then give the same command again.")
