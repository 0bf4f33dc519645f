"""What this machine, or the container within it, gives to a server."""

from __future__ import annotations

import math
import os
from pathlib import Path

__all__ = ["cores"]

_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def cores(quota: Path = _QUOTA) -> int:
    """Cores that this process may use: those that it may run on, or as many as the container's share of time is worth, if that is less."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        share, period = quota.read_text().split()
        return allowed if share == "max" else max(1, min(allowed, math.ceil(int(share) / int(period))))
    except (OSError, ValueError):  # no such container
        return allowed
