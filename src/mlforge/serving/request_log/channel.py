"""What workers and the log's writer share, made before the fork."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import msgspec

from mlforge.service.request_log import LogSettings
from mlforge.serving.datagrams import Line
from mlforge.serving.ledger import Ledger
from mlforge.serving.request_log.backlog import Backlog
from mlforge.serving.request_log.labels import LabelBatch
from mlforge.serving.request_log.meters import Meters
from mlforge.serving.request_log.recorder import Recorded

__all__ = ["Channel", "Message"]

_TICK = 0.2  # seconds


class Message(msgspec.Struct, array_like=True, frozen=True):
    """From a worker to the writer."""

    worker: int
    added: float  # all bytes that this worker had added to the backlog by then
    content: Recorded | LabelBatch


@dataclass(frozen=True, slots=True)
class Channel:
    """Settings, meters, and the line from the workers to the writer."""

    settings: LogSettings
    meters: Meters
    backlog: Backlog
    line: Line  # from the workers to the writer

    @classmethod
    def of(cls, settings: LogSettings | None, workers: int, ledger: Ledger) -> Self | None:
        """None where there is no log."""
        return cls(settings, Meters.of(ledger), Backlog(workers), Line.open()) if settings is not None else None

    @property
    def tick(self) -> float:
        """Seconds between two looks at what has come, at either end of the line."""
        return min(_TICK, self.settings.flush_seconds / 5)
