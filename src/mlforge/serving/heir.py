"""The heir of a worker: a process that has the worker's open files, and answers its clients when it is killed.

A connection dies with the last process that has it open. So each worker has a second process that shares its *table* of open files (Linux's CLONE_FILES): what
the worker accepts is there at once, and what it closes is gone at once, without a word between the two and without any cost to a request. The heir sleeps until
the worker has ended. Then it answers 503 to every client that waits, closes everything, and ends. Its memory is the worker's from before models were opened.

Connections under TLS could not be answered, since their keys died with the worker; there, and where the system has no such thing, there is no heir.
"""

from __future__ import annotations

import contextlib
import gc
import os
import platform
import select
import signal
import socket
import stat
import sys
import time
import traceback
from pathlib import Path

from mlforge.serving.connection import Connection
from mlforge.serving.in_flight import InFlight
from mlforge.serving.ledger import Cell

__all__ = ["NAME", "appointed"]

NAME = "mlforge-heir"

_CLONE = {"x86_64": 56, "aarch64": 220}  # the system call's number
_FILES, _SIBLING = 0x400, 0x8000  # CLONE_FILES, CLONE_PARENT: the supervisor is its parent too, and so learns of its end
_LINGER = 1.0  # seconds in which a client that is still sending may do so; a connection that is closed while bytes come would lose the answer
_FILES_OPEN = Path("/proc/self/fd")
_GONE = b'{"error":"the process that was to answer has ended; another takes its place"}'
_ANSWER = (
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\ncontent-length: %d\r\nretry-after: 1\r\nconnection: close\r\n\r\n" % len(_GONE)
) + _GONE


def appointed(listener: int, in_flight: InFlight, lost: Cell) -> int:
    """Have an heir for this process's connections of a listening socket; to be called while there is one thread. Its process id, 0 where there can be none.

    `lost` counts whom it answers.
    """
    number = _CLONE.get(platform.machine())
    if sys.platform != "linux" or number is None or not hasattr(os, "pidfd_open") or not _FILES_OPEN.is_dir():
        return 0
    import ctypes

    with socket.socket(fileno=os.dup(listener)) as own:
        port = own.getsockname()[1]
    try:
        worker = os.pidfd_open(os.getpid())
    except OSError:  # the container forbids it, or the kernel is too old
        return 0
    # PyDLL keeps the interpreter's lock over the call, so that both processes have it afterwards
    pid = int(ctypes.PyDLL(None).syscall(*map(ctypes.c_long, (number, _FILES | _SIBLING | signal.SIGCHLD, 0, 0, 0, 0))))
    if pid == 0:
        _be(worker, port, in_flight, lost)
    return max(pid, 0)


def _be(worker: int, port: int, in_flight: InFlight, lost: Cell) -> None:
    """In the new process: wait, settle, and never return. Until the worker has ended, nothing may be closed: it would be closed for the worker."""
    try:
        gc.disable()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        with contextlib.suppress(OSError):
            Path("/proc/self/comm").write_text(NAME)
        waiting = select.poll()
        waiting.register(worker, select.POLLIN)
        waiting.poll()
        _settle(port, in_flight, lost)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(0)


def _settle(port: int, in_flight: InFlight, lost: Cell) -> None:
    """Answer who waits, and who is about to ask; close all others at once, and what is no connection."""
    waiting, large, silence = in_flight.waiting(), in_flight.large(), in_flight.silence()
    left = _Left(lost)
    for descriptor in _inherited():
        one = _connection(descriptor, port)
        if one is None:
            continue
        try:
            seen = Connection.of(one)
        except OSError:  # its client is gone
            one.close()
            continue
        if seen.waits(hash(seen.client) in waiting, hash(seen.client) in large, silence):
            left.answer(one)
        elif seen.new:
            left.expect(one)
        else:
            one.close()
    left.linger()


def _inherited() -> list[int]:
    return [descriptor for descriptor in (int(entry.name) for entry in _FILES_OPEN.iterdir()) if descriptor > 2]


def _connection(descriptor: int, port: int) -> socket.socket | None:
    """A connection that was accepted at this port; everything else is closed: nobody is to wait at a socket that nobody accepts from."""
    try:
        if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
            one = socket.socket(fileno=descriptor)
            if one.family in (socket.AF_INET, socket.AF_INET6) and one.getsockname()[1] == port and not one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                return one
            one.detach()
        os.close(descriptor)
    except OSError:  # the listing's own, closed again
        pass
    return None


class _Left:
    """The connections that are not closed at once. Those that were answered may still be sending, which has to be taken, or the answer would be lost."""

    def __init__(self, lost: Cell) -> None:
        self._lost = lost
        self._open: dict[int, socket.socket] = {}
        self._expected: set[int] = set()

    def expect(self, one: socket.socket) -> None:
        """Answer a connection when its request comes."""
        self._open[one.fileno()] = one
        self._expected.add(one.fileno())

    def answer(self, one: socket.socket) -> None:
        """Say that there will be no other answer."""
        try:
            one.send(_ANSWER, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
            one.shutdown(socket.SHUT_WR)
        except OSError:  # its client is gone
            self._open.pop(one.fileno(), None)
            one.close()
            return
        self._lost.add()
        self._open[one.fileno()] = one

    def linger(self) -> None:
        """Wait for clients until they close, for a while."""
        until = time.monotonic() + _LINGER
        poll = select.poll()
        for descriptor in self._open:
            poll.register(descriptor, select.POLLIN)
        while self._open and (seconds := until - time.monotonic()) > 0:
            for descriptor, _ in poll.poll(seconds * 1000):
                self._came(descriptor)
                if descriptor not in self._open:
                    poll.unregister(descriptor)

    def _came(self, descriptor: int) -> None:
        one = self._open[descriptor]
        try:
            more = one.recv(1 << 16, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        except OSError:
            more = b""
        if not more:
            self._open.pop(descriptor).close()
        elif descriptor in self._expected:
            self._expected.discard(descriptor)
            self.answer(one)
