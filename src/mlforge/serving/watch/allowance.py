"""How many of the rows that come may be looked at, so that monitors keep within their share of a worker's time."""

from __future__ import annotations

import random

__all__ = ["Allowance"]

_FIRST = 5e-6  # seconds that a row is thought to take until some were looked at
_FEW = 200  # rows that say nothing about what one takes
_LEAST = 0.001  # of the rows: something is always looked at


class Allowance:
    """Decides batch by batch, by chance, so that what is looked at is a uniform sample of what came."""

    def __init__(self, share: float) -> None:
        self._share, self._each = share, _FIRST
        self._chance = 1.0
        self._draw = random.Random().random  # noqa: S311 - no secret

    def takes(self) -> bool:
        """Is this batch to be looked at."""
        return self._chance >= 1.0 or self._draw() < self._chance

    def came(self, rows: int, seconds: float) -> None:
        """So many rows came in so many seconds, whether they were looked at or not: as many are expected next."""
        wanted = rows * self._each
        allowed = self._share * seconds
        self._chance = 1.0 if wanted <= allowed else max(allowed / wanted, _LEAST)

    def took(self, rows: int, seconds: float) -> None:
        """Looking at so many rows took so much of the processor's time."""
        if rows >= _FEW:
            self._each = 0.5 * self._each + 0.5 * seconds / rows
