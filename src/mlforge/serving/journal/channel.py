"""What workers and the log's writer share, made before the fork."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import Self

import msgspec

from mlforge.service.journal import LogSettings
from mlforge.serving.datagrams import line
from mlforge.serving.journal.labels import Told
from mlforge.serving.journal.meters import Meters
from mlforge.serving.journal.room import Room
from mlforge.serving.journal.rows import Noted
from mlforge.serving.ledger import Ledger

__all__ = ["Channel", "Message"]


class Message(msgspec.Struct, array_like=True, frozen=True):
    """From a worker to the writer."""

    worker: int
    offered: float  # all that this worker had offered by then, in bytes
    content: Noted | Told


@dataclass(frozen=True, slots=True)
class Channel:
    """Settings, figures, and the line from the workers to the writer."""

    settings: LogSettings
    meters: Meters
    room: Room
    inlet: socket.socket  # read by the writer
    outlet: socket.socket  # written by workers

    @classmethod
    def of(cls, settings: LogSettings | None, workers: int, ledger: Ledger) -> Self | None:
        """None where there is no log."""
        return cls(settings, Meters.of(ledger), Room(workers), *line()) if settings is not None else None

    def close(self) -> None:
        """Nothing comes any more."""
        self.inlet.close()
        self.outlet.close()
