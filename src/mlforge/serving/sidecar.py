"""Sidecar processes, for what must block neither the supervisor nor a worker: forked, spoken with over a socket, and replaced when they die."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

__all__ = ["Sidecar"]

log = logging.getLogger(__name__)

_PAUSE = 2.0  # seconds before one that died is replaced
_LAST = 20.0  # seconds for what is left to be done when the server stops


class Sidecar:
    """One process. `work` runs in it with its end of a socket, until that is closed; `keep` are further file descriptors that it needs."""

    def __init__(self, name: str, work: Callable[[socket.socket], None], keep: Sequence[int] = ()) -> None:
        self.name, self._work, self._keep = name, work, keep
        self._pid, self._due, self._rest = 0, 0.0, b""
        self._line: socket.socket | None = None

    @property
    def begun(self) -> bool:
        """Has it been started."""
        return self._pid != 0 or self._due > 0

    def start(self) -> None:
        """Fork it."""
        self._pid, self._line = _fork(self.name, self._work, self._keep)
        self._line.setblocking(False)
        self._rest = b""

    def say(self, line: bytes) -> None:
        """Send a line. One that has died is told what counts when it is started again."""
        if self._line is not None:
            with contextlib.suppress(OSError):
                self._line.sendall(line + b"\n")

    def heard(self) -> list[bytes]:
        """The lines that it has sent since the last call. One that has died is restarted after a pause."""
        if self._line is None:
            if self._due and time.monotonic() >= self._due:
                self.start()
            return []
        try:
            said = self._line.recv(1 << 20)
        except BlockingIOError:
            return []
        except OSError:
            said = b""
        if not said:
            log.warning("%s ended; another takes its place", self.name)
            self.end()
            self._due = time.monotonic() + _PAUSE
            return []
        *lines, self._rest = (self._rest + said).split(b"\n")
        return lines

    def end(self) -> None:
        """Close its socket, at which it exits; one that takes too long is killed."""
        if self._line is not None:
            self._line.close()
            self._line = None
            with contextlib.suppress(ChildProcessError):
                if not _gone(self._pid, _LAST):
                    log.warning("%s had %.0f s for its last work, and is ended", self.name, _LAST)
                    os.kill(self._pid, signal.SIGKILL)
                    os.waitpid(self._pid, 0)
            self._pid = 0


def _gone(pid: int, seconds: float) -> bool:
    """Has a child ended within so long. Its end is asked for, which works with any number of other children."""
    until, pause = time.monotonic() + seconds, 0.001
    while os.waitpid(pid, os.WNOHANG)[0] == 0:
        if time.monotonic() >= until:
            return False
        time.sleep(pause)
        pause = min(2 * pause, 0.05)
    return True


def _fork(name: str, work: Callable[[socket.socket], None], keep: Sequence[int] = ()) -> tuple[int, socket.socket]:
    """Fork a process that has no file descriptors of the supervisor's but its end of a socket and those to keep; its id, and our end."""
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid:
        theirs.close()
        return pid, ours
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)  # the supervisor says when it is over
        with contextlib.suppress(OSError):
            Path("/proc/self/comm").write_text(name)
        kept = [2, *sorted({theirs.fileno(), *keep}), os.sysconf("SC_OPEN_MAX")]
        for low, high in pairwise(kept):
            os.closerange(low + 1, min(high, 1 << 16))
        work(theirs)
        code = 0
    except BaseException:
        log.exception("%s ended", name)
    finally:
        os._exit(code)
