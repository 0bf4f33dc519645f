"""Signals that ask a fit to stop: it finishes its step, leaves a checkpoint and is interrupted."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["Asked", "listening"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)
"""Ctrl-C; the polite end; what SLURM is told to send ahead of pre-emption or of the time limit."""


class Asked:
    """Has somebody asked to stop."""

    def __init__(self) -> None:
        self.by: signal.Signals | None = None

    def listen(self) -> None:
        """From now on signals are noted; only the main thread can. A second Ctrl-C does not wait for the step."""
        if threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                signal.signal(number, self._heard)

    def _heard(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT and self.by == signal.SIGINT:
            raise KeyboardInterrupt
        self.by = signal.Signals(number)


@contextmanager
def listening() -> Iterator[Asked]:
    """What was done about these signals before is put back afterwards, whoever has changed it."""
    main = threading.current_thread() is threading.main_thread()
    before = {number: signal.getsignal(number) for number in _SIGNALS} if main else {}
    try:
        yield Asked()
    finally:
        for number, handler in before.items():
            if handler is not None:
                signal.signal(number, handler)
