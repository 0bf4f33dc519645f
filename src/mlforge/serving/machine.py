"""What this machine, or the container within it, gives to a server; and how its memory is to be used."""

from __future__ import annotations

import ctypes
import math
import os
from contextlib import suppress
from pathlib import Path

__all__ = ["cores", "frugal", "quiet"]

_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def cores(quota: Path = _QUOTA) -> int:
    """Cores that this process may use: those that it may run on, or as many as the container's share of time is worth, if that is less."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        share, period = quota.read_text().split()
        return allowed if share == "max" else max(1, min(allowed, math.ceil(int(share) / int(period))))
    except (OSError, ValueError):  # no such container
        return allowed


_TRIM, _MMAP, _ARENAS = -1, -3, -8  # of glibc's mallopt
_LARGE = 1024**2  # bytes


def quiet() -> None:
    """Have a stranger's bytes fill no log: of what Polars panics over, or gRPC refuses, the client is told, and a trace of either helps nobody.

    It took a tenth of a second to write one. Who wants traces of Rust sets RUST_BACKTRACE=full.
    """
    if os.environ.get("RUST_BACKTRACE") != "full":
        os.environ["RUST_BACKTRACE"] = "0"
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")


def frugal() -> None:
    """Have this process and its children give memory back when it is not used, and keep one stock of it instead of one a thread.

    A worker's threads take turns, so that more stocks would only be more memory. To be called before Polars and Arrow are imported: their allocators read the
    environment once.
    """
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    os.environ.setdefault("_RJEM_MALLOC_CONF", "narenas:1,dirty_decay_ms:100,muzzy_decay_ms:0")
    with suppress(OSError, AttributeError):  # another C library
        mallopt = ctypes.CDLL(None).mallopt
        for option, value in ((_ARENAS, 1), (_MMAP, _LARGE), (_TRIM, _LARGE)):
            mallopt(option, value)
