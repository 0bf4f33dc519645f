"""The time of day of what was timed by `time.perf_counter`."""

from __future__ import annotations

import time

__all__ = ["Clock"]

_SET = 0.001  # seconds by which the day's clock has been set anew, and not only been read a moment later


class Clock:
    """One worker's clock: the request log and the monitors date a request alike by it."""

    def __init__(self) -> None:
        self._ahead = time.time() - time.perf_counter()

    def ahead(self) -> float:
        """What to add to `time.perf_counter` for seconds since 1970."""
        now = time.time() - time.perf_counter()
        if abs(now - self._ahead) > _SET:
            self._ahead = now
        return self._ahead
