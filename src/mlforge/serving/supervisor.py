"""The supervisor: opens the listening socket, forks the workers, restarts those that die, and stops all of them in order."""

from __future__ import annotations

import contextlib
import gc
import json
import logging
import os
import selectors
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mlforge.errors import MlforgeError, RunFailed
from mlforge.serving.plan import Plan
from mlforge.serving.roster import State
from mlforge.serving.spare import Spare

__all__ = ["Supervisor"]

log = logging.getLogger(__name__)

_TURN = 0.25  # seconds between looks around
_YOUNG = 2.0  # seconds; a worker that dies so soon may do so again
_LONGEST_WAIT = 1.0  # seconds before a worker that dies again and again is replaced
_SETTLED = 2.0  # seconds in which the heirs of the last workers are done
_TOLD = (2, 3, 5)  # exit codes of what a user can mend
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)


@dataclass
class _Place:
    """The slot of a worker."""

    pid: int = 0
    line: socket.socket | None = None
    born: float = 0.0
    failures: int = 0  # deaths in a row, soon after birth
    due: float = 0.0  # when it is to be replaced


class Supervisor:
    """Runs workers until it is told to stop. `tickers` are called four times a second and must be quick."""

    def __init__(self, plan: Plan, listener: socket.socket, ready: Callable[[], None] = lambda: None) -> None:
        self.plan, self._listener, self._ready = plan, listener, ready
        self.tickers: list[Callable[[Supervisor], None]] = []
        self._places = [_Place() for _ in range(plan.workers)]
        self._heirs: set[int] = set()  # of workers that died; they settle, and end by themselves
        self._said: dict[str, bytes] = {}
        self._stopping = False
        self._was_ready = False
        self._spare = Spare(self._process)

    def run(self) -> None:
        """Serve until SIGTERM or SIGINT. Raises MlforgeError when the workers cannot start."""
        with _Signals() as signals:
            for worker in range(self.plan.workers):
                self._fork(worker)
            try:
                while not self._stopping:
                    for number in signals.wait(_TURN if self._was_ready else 0.01):
                        self._stopping |= number in (signal.SIGTERM, signal.SIGINT)
                    self._look()
            finally:
                self._stop(signals)

    def tell(self, kind: str, message: Any) -> None:
        """Broadcast a message to the workers; one that is forked later gets the last of each kind."""
        self._said[kind] = json.dumps([kind, message]).encode() + b"\n"
        for place in self._places:
            self._send(place, self._said[kind])

    def _send(self, place: _Place, line: bytes) -> None:
        if place.line is not None:
            with contextlib.suppress(OSError):  # it is dead; its successor will hear
                place.line.sendall(line)

    def _fork(self, worker: int) -> None:
        place = self._places[worker]
        self.plan.roster.set(worker, State.STARTING, 0)
        taken = self._spare.take(worker, self.plan.offers)
        if taken is not None:
            place.pid, place.line, heir = taken
            self.plan.roster.appoint(worker, heir)
        else:
            from mlforge.serving.worker import work

            place.pid, place.line = self._process(lambda line: work(self.plan, worker, self._listener.fileno(), line))
        place.born = time.monotonic()
        self.plan.roster.set(worker, State.STARTING, place.pid)
        for line in self._said.values():
            self._send(place, line)

    def _process(self, work: Callable[[socket.socket], None]) -> tuple[int, socket.socket]:
        """Fork a process that works with its end of a socket; its id, and our end."""
        ours, theirs = socket.socketpair()
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            for line in (ours, self._spare.line, *(other.line for other in self._places)):
                if line is not None:
                    line.close()
            _be(work, theirs)
        theirs.close()
        return pid, ours

    def _look(self) -> None:
        """One turn: reap the dead, kill the stuck, fork replacements, call the tickers."""
        self._reap()
        self._end_the_stuck()
        now = time.monotonic()
        for worker, place in enumerate(self._places):
            if place.pid == 0 and place.due <= now and not self._stopping:
                self.plan.figures.restarts.add()
                self._fork(worker)
        if not self._was_ready and self.plan.roster.ready:
            self._was_ready = True
            self._ready()
        if self._was_ready and (heir := self._spare.look(self.plan, self._listener.fileno(), ready=self.plan.roster.ready)):
            self._heirs.add(heir)
        for ticker in self.tickers:
            ticker(self)

    def _end_the_stuck(self) -> None:
        roster, most = self.plan.roster, self.plan.settings.stuck
        for worker, place in enumerate(self._places):
            if place.pid and roster.state(worker) is State.READY and roster.silence(worker) > most:
                log.warning("worker %d (process %d) has done nothing for %.0f s; it is ended", worker, place.pid, roster.silence(worker))
                os.kill(place.pid, signal.SIGKILL)

    def _reap(self) -> None:
        for worker, place in enumerate(self._places):
            if place.pid and (status := _ended(place.pid)) is not None:
                self.plan.roster.set(worker, State.GONE, 0)
                self._bury(worker, place, status)
        self._heirs = {heir for heir in self._heirs if _ended(heir) is None}

    def _bury(self, worker: int, place: _Place, status: int) -> None:
        code = os.waitstatus_to_exitcode(status)
        pid, place.pid = place.pid, 0
        if heir := self.plan.roster.heir(worker):
            self._heirs.add(heir)
            self.plan.roster.appoint(worker, 0)
        if place.line is not None:
            place.line.close()
            place.line = None
        if self._stopping:
            return
        if not self._was_ready:
            failed = RunFailed("the server could not start: a worker ended before it was ready", hint="What it said stands above.")
            if code in _TOLD:
                failed.exit_code = code  # as the worker's own error has it
            raise failed
        place.failures = place.failures + 1 if time.monotonic() - place.born < _YOUNG else 0
        wait = min(_LONGEST_WAIT, 0.1 * 2**place.failures) if place.failures else 0.0
        place.due = time.monotonic() + wait
        log.warning("worker %d (process %d) ended with %s; a new one takes its place%s", worker, pid, code, f" in {wait:.1f} s" if wait else "")

    def _stop(self, signals: _Signals) -> None:
        """Graceful shutdown: close the socket, drain the workers, kill those that take too long."""
        self._stopping = True
        if heir := self._spare.end():
            self._heirs.add(heir)
        self._listener.close()
        for worker, place in enumerate(self._places):
            if place.pid:
                self.plan.roster.set(worker, State.DRAINING)
                os.kill(place.pid, signal.SIGTERM)
        until = time.monotonic() + self.plan.settings.drain + 1.0
        while any(place.pid for place in self._places) and time.monotonic() < until:
            signals.wait(0.05)
            self._reap()
        for worker, place in enumerate(self._places):
            if place.pid:
                os.kill(place.pid, signal.SIGKILL)
                self._bury(worker, place, os.waitpid(place.pid, 0)[1])
        until = time.monotonic() + _SETTLED
        while self._heirs and time.monotonic() < until:
            signals.wait(0.05)
            self._reap()


def _be(work: Callable[[socket.socket], None], supervisor: socket.socket) -> None:
    """In the child: work, and never return."""
    code = 0
    try:
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        signal.set_wakeup_fd(-1)
        work(supervisor)
    except MlforgeError as error:
        print(error, file=sys.stderr)  # noqa: T201 - the supervisor's stderr
        code = error.exit_code
    except BaseException:
        traceback.print_exc()
        code = 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)  # nothing of the supervisor's is cleaned up twice


def _ended(pid: int) -> int | None:
    try:
        found, status = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return 0
    return status if found else None


class _Signals:
    """Signals to be waited for; the handlers that were installed before are restored afterwards."""

    def __enter__(self) -> _Signals:
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._reader, selectors.EVENT_READ)
        self._before = {number: signal.signal(number, lambda *_: None) for number in _SIGNALS}
        self._wakeup = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        gc.freeze()
        return self

    def wait(self, seconds: float) -> bytes:
        """The signals that have come, waiting so long for one."""
        if not self._selector.select(seconds):
            return b""
        try:
            return self._reader.recv(4096)
        except BlockingIOError:
            return b""

    def __exit__(self, *error: object) -> None:
        signal.set_wakeup_fd(self._wakeup)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._selector.close()
        self._reader.close()
        self._writer.close()
