"""The event file of one run: made with the first thing that is written to it, and readable after every stage."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from mlforge.artifact import Bundles, Made, Trained
from mlforge.finding import Finding

if TYPE_CHECKING:
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

__all__ = ["Events"]

Scalar = tuple[str, float, int]
"""Tag, value and step."""


@dataclass
class Events:
    """Scalars of one run. What is reused waits until the run turns out to have anything to do."""

    folder: Path
    ships: str = ""
    _begun: bool = False
    _waiting: list[Scalar] = field(default_factory=list)
    _writer: EventFileWriter | None = None

    def begin(self) -> None:
        """Write from here on, and what has waited."""
        self._begun = True
        self._write()

    def take(self, findings: Iterable[Finding], artifacts: Made) -> None:
        """The findings of a stage, and the curves of a training."""
        if (bundles := artifacts.first(Bundles)) is not None:
            self.ships = bundles.ships
        trained = artifacts.first(Trained)
        self._waiting += [*self._scalars(findings), *(_curves(trained.folder / "curves.parquet") if trained is not None else ())]
        if self._begun:
            self._write()

    def close(self) -> None:
        """No more is to come."""
        if self._writer is not None:
            self._writer.close()

    def _scalars(self, findings: Iterable[Finding]) -> Iterator[Scalar]:
        """Findings that have a value; another subject or variant than the candidate that ships stands before the name."""
        for finding in findings:
            subject = "" if finding.subject in ("candidate", "data") else f"{finding.subject}/"
            variant = f"{finding.variant}/" if finding.variant and finding.variant != self.ships else ""
            for ending, value in (("", finding.value), (".low", finding.low), (".high", finding.high)):
                if value is not None and math.isfinite(value):
                    yield f"{subject}{variant}{finding.name}{ending}", float(value), 0

    def _write(self) -> None:
        if not self._waiting:
            return
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        if self._writer is None:
            self._writer = EventFileWriter(str(self.folder))
        now = time.time()
        for tag, value, step in self._waiting:
            self._writer.add_event(Event(wall_time=now, step=step, summary=Summary(value=[Summary.Value(tag=tag, simple_value=value)])))
        self._waiting.clear()
        self._writer.flush()


def _curves(path: Path) -> Iterator[Scalar]:
    import polars as pl

    if path.exists():
        for epoch, name, value in pl.read_parquet(path).select("epoch", "name", "value").iter_rows():
            if value is not None:  # TensorBoard shows where a curve diverged
                yield name, float(value), int(epoch)
