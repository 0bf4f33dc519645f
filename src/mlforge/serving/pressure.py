"""Load shedding: when a worker's event loop lags, new requests are refused rather than all answered late."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from mlforge.serving.http import Refused

__all__ = ["Pressure"]

_LOOK = 0.05  # seconds between looks at the clock
_FEW = 64  # requests in hand that no worker is behind with: if its loop is late, something else has the processor
_SHARE = 0.5  # of the objective: a request takes more than one turn of the loop


class Pressure:
    """Measures the lag of the event loop by a timer: how long a request waits for its next turn."""

    def __init__(self, objective: float, in_hand: Callable[[], float], loop: asyncio.AbstractEventLoop, beat: Callable[[], None] = lambda: None) -> None:
        """`in_hand` says how many requests the loop has; `beat` is called with each measurement, as a heartbeat."""
        self.late = 0.0  # seconds
        self._most = objective * _SHARE
        self._in_hand, self._loop, self._beat = in_hand, loop, beat
        self._due = loop.time() + _LOOK
        loop.call_at(self._due, self._look)

    def _look(self) -> None:
        self._beat()
        now = self._loop.time()
        self.late = max(now - self._due, self.late / 2)  # what was is forgotten in some looks
        self._due = now + _LOOK
        self._loop.call_at(self._due, self._look)

    def admit(self) -> None:
        """Raises Refused when a request that comes now would be answered too late."""
        if self.late > self._most and self._in_hand() > _FEW:
            raise Refused(503, "too many requests: this one would be answered too late", (("retry-after", "1"),))
