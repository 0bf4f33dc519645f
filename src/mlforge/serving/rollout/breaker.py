"""A circuit breaker: a version that keeps failing gets no requests for a while, and then single probes until one succeeds."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from enum import IntEnum

from mlforge.service import rollout

__all__ = ["Breaker", "State"]


class State(IntEnum):
    """What a breaker does with requests."""

    CLOSED = 0  # lets them through
    HALF_OPEN = 1  # has let one through, and waits for what comes of it
    OPEN = 2  # lets none through


class Breaker:
    """The breaker of one version in one worker."""

    def __init__(self, settings: rollout.Breaker, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings, self._clock = settings, clock
        self._latest: deque[bool] = deque(maxlen=settings.window)
        self._failures = 0
        self._until = 0.0  # when the next request is let through
        self.state = State.CLOSED

    def allows(self) -> bool:
        """May the next request go to this version. While the breaker is open, a single probe may now and then, and its outcome decides."""
        if self.state is State.CLOSED:
            return True
        now = self._clock()
        if now < self._until:
            return False
        self.state, self._until = State.HALF_OPEN, now + self._settings.rest_s  # should nothing come of it, another may then
        return True

    def note(self, failed: bool) -> None:
        """Record the outcome of a request."""
        if self.state is not State.CLOSED:
            self._probed(failed)
            return
        if len(self._latest) == self._settings.window:
            self._failures -= self._latest[0]
        self._latest.append(failed)
        self._failures += failed
        if failed and len(self._latest) == self._settings.window and self._failures >= self._settings.failures * self._settings.window:
            self._open()

    def _probed(self, failed: bool) -> None:
        if failed:
            self._open()
        elif self.state is State.HALF_OPEN:  # an answer that was asked for before it opened says nothing
            self.state, self._failures = State.CLOSED, 0
            self._latest.clear()

    def _open(self) -> None:
        self.state, self._until = State.OPEN, self._clock() + self._settings.rest_s
