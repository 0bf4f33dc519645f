"""The clerk: a process beside the house that looks at the store, judges canaries, and moves aliases back. It alone talks to the database and to plugins, so
that neither can hold up the house or a worker. When it dies, the server goes on as it stands, and the house starts another."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import select
import signal
import socket
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from mlforge.errors import MlforgeError
from mlforge.serving.offer import Offer
from mlforge.serving.rollout.board import Board
from mlforge.serving.rollout.course import Course, Tell
from mlforge.serving.rollout.shelf import Shelf
from mlforge.store import Store

__all__ = ["NAME", "clerk", "fork"]

log = logging.getLogger(__name__)

_TURN = 0.25  # seconds
NAME = "mlforge-clerk"  # of the process, for who lists them


def clerk(store: Store, boards: Mapping[str, Board], offers: Sequence[Offer], house: socket.socket, tell: Tell) -> None:
    """Work until the house is gone. The standings are written to `house`, one JSON a line."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # the house says when it is over
    courses: dict[str, Course] = {}
    gone, silent = select.poll(), False
    gone.register(house, select.POLLIN)
    while not gone.poll(_TURN * 1000):
        try:
            for offer in offers:
                _turn(courses, offer, store, boards[offer.model], house, tell)
            silent = False
        except MlforgeError as error:
            if not silent:
                log.warning("aliases cannot be followed for now: %s", str(error).splitlines()[0])
            silent = True
    store.close()


def _turn(courses: dict[str, Course], offer: Offer, store: Store, board: Board, house: socket.socket, tell: Tell) -> None:
    if offer.model not in courses:
        courses[offer.model] = Course(Shelf(store, offer.model, offer.alias), board, offer, tell)
    if (standing := courses[offer.model].turn()) is not None:
        house.sendall(json.dumps([offer.model, standing.plain()]).encode() + b"\n")


def fork(work: Callable[[socket.socket], None]) -> tuple[int, socket.socket]:
    """A process that does the work and has nothing of the house's but its end of a line; its id, and ours."""
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid:
        theirs.close()
        return pid, ours
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        with contextlib.suppress(OSError):
            Path("/proc/self/comm").write_text(NAME)
        kept = theirs.fileno()
        os.closerange(3, kept)
        os.closerange(kept + 1, os.sysconf("SC_OPEN_MAX") if os.sysconf("SC_OPEN_MAX") < 65536 else 65536)
        work(theirs)
        code = 0
    except BaseException:
        log.exception("the process that follows aliases ended")
    finally:
        os._exit(code)
