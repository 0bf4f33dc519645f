"""The understudy: a process beside the workers in which shadows answer, and are compared. It runs on what time the machine has left, and whatever happens in it
happens to nobody else."""

from __future__ import annotations

import json
import logging
import os
import select
import signal
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

import msgspec
import numpy as np

from mlforge.serving.engine import Engine
from mlforge.serving.offer import Offer
from mlforge.serving.rollout.board import Board
from mlforge.serving.rollout.echo import LARGEST, Copy
from mlforge.serving.rollout.standing import Standing

__all__ = ["differences", "understudy"]

log = logging.getLogger(__name__)

_MEANT = 0.1  # of the target's standard deviation: values that are further apart are other decisions
_DECODER = msgspec.msgpack.Decoder(Copy)


@dataclass
class _Part:
    """One model's shadow."""

    offer: Offer
    engine: Engine
    beside: Offer  # the version that answers
    rows: int = 0
    differed: int = 0


def understudy(boards: Mapping[str, Board], standings: Mapping[str, Standing], house: socket.socket) -> None:
    """Work until the house is gone; what it says are standings, one JSON a line."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    with suppress(OSError):
        os.nice(19)
    parts: dict[str, _Part] = {}
    for model, standing in standings.items():
        _cast(parts, model, standing)
    poll = select.poll()
    poll.register(house, select.POLLIN)
    lines = {board.copies.fileno(): board for board in boards.values()}
    for descriptor in lines:
        poll.register(descriptor, select.POLLIN)
    rest = b""
    while True:
        for descriptor, _ in poll.poll():
            if descriptor != house.fileno():
                _compare(parts, lines[descriptor])
                continue
            said = house.recv(1 << 20)
            if not said:
                for part in parts.values():
                    _told(part)
                return
            *whole, rest = (rest + said).split(b"\n")
            for line in whole:
                model, told = json.loads(line)
                _cast(parts, model, Standing.read(told))


def _cast(parts: dict[str, _Part], model: str, standing: Standing) -> None:
    """Open the shadow that this standing names, if it is another."""
    before = parts.get(model)
    if before is not None and (before.offer, before.beside) == (standing.shadow, standing.serving):
        return
    if before is not None:
        _told(parts.pop(model))
    if standing.shadow is not None:
        try:
            engine = Engine.open(standing.shadow, 1)
            engine.warm()
        except Exception as error:
            log.warning("%s cannot be opened, and is no shadow: %s", standing.shadow, str(error)[:500])
            return
        parts[model] = _Part(standing.shadow, engine, standing.serving)
        log.info("%s is asked beside %s", standing.shadow, standing.serving)


def _told(part: _Part) -> None:
    if part.rows:
        log.info(
            "%s beside %s: %d of %d rows were decided otherwise (%.2g %%)", part.offer, part.beside, part.differed, part.rows, 100 * part.differed / part.rows
        )


def _compare(parts: Mapping[str, _Part], board: Board) -> None:
    """Read one copy, answer it, and count."""
    copy = _DECODER.decode(board.copies.recv(LARGEST + 1))
    part, tally = parts.get(copy.model), board.tally
    if part is None:
        return
    answered = copy.predictions.read()
    try:
        by_name = dict(zip(copy.inputs, (column.read() for column in copy.columns), strict=True))
        found = part.engine.run([by_name[name] for name in part.engine.inputs])["prediction"]
        differed = differences(answered, found, part.engine.bundle.output.scale)
    except Exception as error:
        if not tally.unanswered.here():
            log.warning("%s cannot answer what %s is asked: %s", part.offer, part.beside, str(error)[:300])
        tally.unanswered.add(len(answered))
        return
    part.rows, part.differed = part.rows + len(answered), part.differed + differed
    tally.shadowed.add(len(answered))
    tally.differed.add(differed)


def differences(one: np.ndarray, other: np.ndarray, scale: float) -> int:
    """Rows of which two versions have decided otherwise."""
    if one.dtype.kind == "f" and other.dtype.kind == "f":
        return int((~(np.abs(one - other) <= _MEANT * scale)).sum())
    return sum(str(a) != str(b) for a, b in zip(one.ravel().tolist(), other.ravel().tolist(), strict=True))
