"""The shadow process: a sidecar in which shadow versions answer copies of the traffic, and are compared.

It has the lowest priority, and no failure in it reaches a worker.
"""

from __future__ import annotations

import json
import logging
import os
import select
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

import msgspec
import numpy as np

from mlforge.serving.engine import Engine
from mlforge.serving.offer import Offer
from mlforge.serving.rollout.assignment import Assignment
from mlforge.serving.rollout.board import Board
from mlforge.serving.rollout.mirror import LARGEST, Copy

__all__ = ["differences", "serve_shadows"]

log = logging.getLogger(__name__)

_MEANT = 0.1  # of the target's standard deviation: values that are further apart are other decisions
_DECODER = msgspec.msgpack.Decoder(Copy)


@dataclass
class _Part:
    """The shadow version of one model."""

    offer: Offer
    engine: Engine
    beside: Offer  # the version that answers
    rows: int = 0
    differed: int = 0


def serve_shadows(boards: Mapping[str, Board], assignments: Mapping[str, Assignment], supervisor: socket.socket) -> None:
    """Run until the supervisor is gone, which sends assignments, one JSON document a line."""
    with suppress(OSError):
        os.nice(19)
    parts: dict[str, _Part] = {}
    for model, assignment in assignments.items():
        _open(parts, model, assignment)
    poll = select.poll()
    poll.register(supervisor, select.POLLIN)
    lines = {board.copies.fileno(): board for board in boards.values()}
    for descriptor in lines:
        poll.register(descriptor, select.POLLIN)
    rest = b""
    while True:
        for descriptor, _ in poll.poll():
            if descriptor != supervisor.fileno():
                _compare(parts, lines[descriptor])
                continue
            said = supervisor.recv(1 << 20)
            if not said:
                for part in parts.values():
                    _told(part)
                return
            *whole, rest = (rest + said).split(b"\n")
            for line in whole:
                model, told = json.loads(line)
                _open(parts, model, Assignment.read(told))


def _open(parts: dict[str, _Part], model: str, assignment: Assignment) -> None:
    """Open the shadow that this assignment names, if it is another."""
    before = parts.get(model)
    if before is not None and (before.offer, before.beside) == (assignment.shadow, assignment.serving):
        return
    if before is not None:
        _told(parts.pop(model))
    if assignment.shadow is not None:
        try:
            engine = Engine.open(assignment.shadow, 1)
            engine.warm()
        except Exception as error:
            log.warning("%s cannot be opened, and is no shadow: %s", assignment.shadow, str(error)[:500])
            return
        parts[model] = _Part(assignment.shadow, engine, assignment.serving)
        log.info("%s is asked beside %s", assignment.shadow, assignment.serving)


def _told(part: _Part) -> None:
    if part.rows:
        log.info(
            "%s beside %s: %d of %d rows were decided otherwise (%.2g %%)", part.offer, part.beside, part.differed, part.rows, 100 * part.differed / part.rows
        )


def _compare(parts: Mapping[str, _Part], board: Board) -> None:
    """Read one copy, answer it, and count."""
    copy = _DECODER.decode(board.copies.recv(LARGEST + 1))
    part, meters = parts.get(copy.model), board.meters
    if part is None:
        return
    answered = copy.predictions.read()
    try:
        by_name = dict(zip(copy.inputs, (column.read() for column in copy.columns), strict=True))
        found = part.engine.run([by_name[name] for name in part.engine.inputs])["prediction"]
        differed = differences(answered, found, part.engine.bundle.output.scale)
    except Exception as error:
        if not meters.unanswered.here():
            log.warning("%s cannot answer what %s is asked: %s", part.offer, part.beside, str(error)[:300])
        meters.unanswered.add(len(answered))
        return
    part.rows, part.differed = part.rows + len(answered), part.differed + differed
    meters.shadowed.add(len(answered))
    meters.differed.add(differed)


def differences(one: np.ndarray, other: np.ndarray, scale: float) -> int:
    """How many rows two versions decide differently."""
    if one.dtype.kind == "f" and other.dtype.kind == "f":
        return int((~(np.abs(one - other) <= _MEANT * scale)).sum())
    return sum(str(a) != str(b) for a, b in zip(one.ravel().tolist(), other.ravel().tolist(), strict=True))
