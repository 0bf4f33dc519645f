"""Being woken at a moment, to some microseconds: event loops have timers of whole milliseconds."""

from __future__ import annotations

import asyncio
import ctypes
import os
import time
from collections.abc import Callable

__all__ = ["Waker"]

_COARSE = 0.0015  # seconds that the loop's own timers may be late
_MONOTONIC, _NONBLOCK = 1, os.O_NONBLOCK
_LEAST = 1e-6  # a timer of nothing would never go off


class _Spec(ctypes.Structure):
    _fields_ = (("every", ctypes.c_long * 2), ("first", ctypes.c_long * 2))


class Waker:
    """Calls what it is told to. A timerfd of Linux; elsewhere it looks at the clock in every turn when the moment is near."""

    def __init__(self, call: Callable[[], None]) -> None:
        self._call, self._loop = call, asyncio.get_running_loop()
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._file = self._libc.timerfd_create(_MONOTONIC, _NONBLOCK) if hasattr(self._libc, "timerfd_create") else -1
        if self._file >= 0:
            self._loop.add_reader(self._file, self._rings)

    def wake(self, moment: float) -> None:
        """Call at this moment of time.perf_counter, or as soon as it is past."""
        left = moment - time.perf_counter()
        if self._file >= 0:
            whole, part = divmod(max(left, _LEAST), 1)
            spec = _Spec((0, 0), (int(whole), max(1, int(part * 1e9))))
            self._libc.timerfd_settime(self._file, 0, ctypes.byref(spec), None)
        elif left > _COARSE:
            self._loop.call_later(left - _COARSE, self._call)
        else:
            self._loop.call_soon(self._call)

    def close(self) -> None:
        """It wakes nobody any more."""
        if self._file >= 0:
            self._loop.remove_reader(self._file)
            os.close(self._file)
            self._file = -1

    def _rings(self) -> None:
        try:
            os.read(self._file, 8)
        except BlockingIOError:  # it was set anew meanwhile
            return
        self._call()
