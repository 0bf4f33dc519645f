"""The controller of rollouts: a sidecar process that watches the store, judges canaries, and moves aliases back. It alone talks to the database and to plugins,
so that neither can block the supervisor or a worker. When it dies, the server goes on as it stands, and the supervisor starts another."""

from __future__ import annotations

import json
import logging
import select
import socket
from collections.abc import Mapping, Sequence

from mlforge.errors import MlforgeError
from mlforge.serving.offer import Offer
from mlforge.serving.rollout.board import Board
from mlforge.serving.rollout.course import Course, Tell
from mlforge.serving.rollout.versions import Versions
from mlforge.store import Store

__all__ = ["control"]

log = logging.getLogger(__name__)

_TURN = 0.25  # seconds


def control(store: Store, boards: Mapping[str, Board], offers: Sequence[Offer], supervisor: socket.socket, tell: Tell) -> None:
    """Run until the supervisor is gone. Assignments are written to `supervisor`, one JSON document a line."""
    courses: dict[str, Course] = {}
    gone, silent = select.poll(), False
    gone.register(supervisor, select.POLLIN)
    while not gone.poll(_TURN * 1000):
        try:
            for offer in offers:
                _turn(courses, offer, store, boards[offer.model], supervisor, tell)
            silent = False
        except MlforgeError as error:
            if not silent:
                log.warning("aliases cannot be followed for now: %s", str(error).splitlines()[0])
            silent = True
    store.close()


def _turn(courses: dict[str, Course], offer: Offer, store: Store, board: Board, supervisor: socket.socket, tell: Tell) -> None:
    if offer.model not in courses:
        courses[offer.model] = Course(Versions(store, offer.model, offer.alias), board, offer, tell)
    if (assignment := courses[offer.model].turn()) is not None:
        supervisor.sendall(json.dumps([offer.model, assignment.plain()]).encode() + b"\n")
