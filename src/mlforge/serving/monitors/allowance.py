"""Sampling of batches, so that monitors stay within their share of a worker's time."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

__all__ = ["Allowance", "had_by_the_loop"]

_FIRST = 5e-6  # seconds that a row is thought to take until some were looked at
_FEW = 200  # rows that say nothing about what one takes
_LEAST = 0.001  # of the rows: something is always looked at
_FREE = 20  # rows that are looked at in any case, each time that some have come


class Allowance:
    """Decides at random, batch by batch, so that what is profiled is a uniform sample of the traffic."""

    def __init__(self, share: float) -> None:
        self._share, self._each = share, _FIRST
        self._chance = 1.0
        self._draw = random.Random().random  # noqa: S311 - no secret

    def takes(self) -> bool:
        """Is this batch sampled."""
        return self._chance >= 1.0 or self._draw() < self._chance

    def came(self, rows: int, seconds: float) -> None:
        """Record the traffic: rows that arrived in these seconds of the event loop, sampled or not. As many are expected next."""
        wanted = rows * self._each
        allowed = self._share * seconds
        plenty = rows <= _FREE or wanted <= allowed or self._share >= 1
        self._chance = 1.0 if plenty else max(allowed / wanted, _FREE / rows, _LEAST)

    def took(self, rows: int, seconds: float) -> None:
        """Record the cost: profiling these rows took these seconds of processor time."""
        if rows >= _FEW:
            self._each = 0.5 * self._each + 0.5 * seconds / rows


def had_by_the_loop() -> float:
    """Seconds that this process's first thread has had, to work or to rest; those are left out in which it waited for a processor, where Linux tells them."""
    try:
        waited = int(Path(f"/proc/self/task/{os.getpid()}/schedstat").read_text().split()[1]) / 1e9
    except OSError:
        waited = 0.0
    return time.monotonic() - waited
