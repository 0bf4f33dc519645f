"""The spare: a preloaded process without a worker's slot, so that a worker that dies is replaced in moments.

Of what a new worker does, three quarters is loading modules; on a busy machine that takes seconds. The supervisor cannot do it for all, since polars and
onnxruntime begin threads, which a fork loses. So one process that was forked in time waits for somebody's place. It has an heir from its beginning, while
it has one thread.
"""

from __future__ import annotations

import contextlib
import gc
import json
import logging
import mmap
import os
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path

from mlforge.serving.heir import appointed
from mlforge.serving.in_flight import InFlight
from mlforge.serving.offer import Offer
from mlforge.serving.plan import Plan
from mlforge.serving.rollout.assignment import offer_of, plain_offer

__all__ = ["NAME", "Spare", "stand_by"]

log = logging.getLogger(__name__)

NAME = "mlforge-spare"
_QUIET = 5.0  # seconds in which every worker must have been ready before the first is made: what starts has better things to do
_SOON = 0.1  # likewise, before the next one: who has lost a worker may lose another
_PAUSE = 5.0  # seconds before one that died is replaced
_MODULES = ("uvloop", "polars", "mlforge.serving.app", "mlforge.serving.context", "mlforge.serving.listening", "mlforge.serving.rollout.agent")


class Spare:
    """The supervisor's handle of it. `fork` makes a process that works with its end of a socket, and gives its id and our end."""

    def __init__(self, fork: Callable[[Callable[[socket.socket], None]], tuple[int, socket.socket]]) -> None:
        self._fork = fork
        self._pid = 0
        self._line: socket.socket | None = None
        self._heir = memoryview(mmap.mmap(-1, 8)).cast("q")
        self._quiet = 0.0  # since when every worker is ready; 0 when one is not
        self._due, self._wait = 0.0, _QUIET

    @property
    def line(self) -> socket.socket | None:
        """Our end of its socket, which no other process may hold."""
        return self._line

    def look(self, plan: Plan, listener: int, *, ready: bool) -> int:
        """Fork one when it is time. Gives the heir of one that has died, which has to be reaped; else 0."""
        now, gone = time.monotonic(), 0
        if self._pid and _ended(self._pid):
            log.warning("the spare worker (process %d) ended; another takes its place", self._pid)
            gone, self._due = self._heir[0], now + _PAUSE
            self._forget()
        self._quiet = (self._quiet or now) if ready else 0.0
        if not self._pid and ready and now - self._quiet >= self._wait and now >= self._due:
            self._heir[0] = 0
            self._pid, self._line = self._fork(lambda line: stand_by(plan, listener, line, self._heir))
        return gone

    def take(self, worker: int, offers: Sequence[Offer]) -> tuple[int, socket.socket, int] | None:
        """Make it this worker, with these offers: its process, our end of its socket, and its heir. None when there is no spare."""
        if self._line is None:
            return None
        try:
            self._line.sendall(json.dumps([worker, [plain_offer(offer) for offer in offers]]).encode() + b"\n")
        except OSError:  # it has died too
            return None
        pid, line = self._pid, self._line
        self._pid, self._line, self._wait = 0, None, _SOON
        return pid, line, self._heir[0]

    def end(self) -> int:
        """End it, which releases the listening socket. Gives its heir."""
        if not self._pid:
            return 0
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, 9)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self._pid, 0)
        self._forget()
        return self._heir[0]

    def _forget(self) -> None:
        if self._line is not None:
            self._line.close()
        self._pid, self._line = 0, None


def stand_by(plan: Plan, listener: int, supervisor: socket.socket, heir: memoryview[int]) -> None:
    """In the new process: load what a worker needs, wait for a place, and be that worker. Returns when the supervisor is gone before."""
    own = Path("/proc/self/comm")
    called = own.read_text() if own.exists() else ""
    _call(own, NAME)
    in_flight = InFlight(plan.settings.limits.connections)
    if plan.settings.access.tls is None:
        heir[0] = appointed(listener, in_flight, plan.figures.lost)
    for module in (*_MODULES, *(("mlforge.serving.grpc.listening",) if plan.settings.grpc_port is not None else ())):
        import_module(module)
    from mlforge.runtime.session import runtime
    from mlforge.serving.worker import work

    runtime()
    gc.collect()
    said = bytearray()
    while not said.endswith(b"\n"):  # byte by byte: what comes after it is the worker's to read
        if not (more := supervisor.recv(1)):
            return
        said += more
    worker, offers = json.loads(said)
    _call(own, called.strip())
    work(replace(plan, offers=[offer_of(one) for one in offers]), worker, listener, supervisor, in_flight)


def _call(own: Path, name: str) -> None:
    with contextlib.suppress(OSError):
        own.write_text(name)


def _ended(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG)[0] != 0
    except ChildProcessError:
        return True
