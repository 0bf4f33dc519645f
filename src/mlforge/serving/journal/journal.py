"""The journal of one worker: rows and labels are put aside at once, and a thread of its own writes them.

Nothing here waits for a disk while a request is answered. What was put aside is made into columns a few times a second, in small portions, so that the thread
never holds the interpreter for long; files are written, synced and named every `flush_seconds`.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mlforge.secrets import mask
from mlforge.service.journal import LogSettings
from mlforge.service.layout import FEEDBACK, REQUESTS, Part
from mlforge.serving.clock import Clock
from mlforge.serving.journal.labels import Label, table_of
from mlforge.serving.journal.meters import Meters
from mlforge.serving.journal.rows import Rows
from mlforge.serving.journal.shelf import Shelf

if TYPE_CHECKING:
    import polars as pl

    from mlforge.serving.batcher import Batch
    from mlforge.serving.lane import Lane
    from mlforge.task import Output

__all__ = ["Journal"]

log = logging.getLogger(__name__)

_TICK = 0.2  # seconds between two looks at what was put aside
_CELL = 32  # bytes that a cell is thought to take until one has been seen
_LABEL = 200  # bytes of a label, likewise
_PORTION = 2048  # batches that become columns at a time


@dataclass
class _Book:
    """Rows of one kind that wait to be written."""

    part: Part
    model: str
    version: int | None
    frames: list[pl.DataFrame] = field(default_factory=list)
    cost: float = 0.0  # bytes that they were thought to take


class _Source:
    """One lane, as the journal sees it."""

    def __init__(self, lane: Lane, settings: LogSettings) -> None:
        self.lane = lane
        self.rows = Rows(lane, settings.columns, settings.sample)
        self.row_cost = float(_CELL * (len(lane.engine.inputs) + 8))


class Journal:
    """Takes rows and labels, and sees that they are written. Made in the worker, after the fork."""

    def __init__(self, settings: LogSettings, meters: Meters, clock: Clock | None = None) -> None:
        self._settings, self._meters, self._clock = settings, meters, clock or Clock()
        self._shelf = Shelf(settings.path, settings.max_size)
        self._asked: deque[tuple[_Source, str, Batch, float]] = deque()
        self._told: deque[tuple[str, list[Label], Output, datetime]] = deque()
        self._offered = self._released = 0.0  # bytes; the loop writes the one, the thread the other
        self._books: dict[tuple[Part, str, int | None], _Book] = {}
        self._since: float | None = None  # when the oldest row that waits was taken up
        self._tick = min(_TICK, settings.flush_seconds / 5)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="mlforge-journal", daemon=True)
        self._thread.start()

    def observer(self, lane: Lane) -> Callable[[Batch], None]:
        """What a lane is to call with each batch."""
        source = _Source(lane, self._settings)
        asked, room, dropped = self._asked, self._settings.waiting, self._meters.dropped

        def offer(batch: Batch) -> None:
            if not batch.columns:
                return
            rows = len(batch.columns[0])
            if self._offered - self._released > room:
                dropped.add(rows)
                return
            cost = rows * source.row_cost
            self._offered += cost
            asked.append((source, lane.role, batch, cost))

        return offer

    def label(self, model: str, labels: list[Label], output: Output) -> bool:
        """Take labels; False when there is no room for them now."""
        if self._offered - self._released > self._settings.waiting:
            return False
        self._offered += _LABEL * len(labels)
        self._told.append((model, labels, output, datetime.now(UTC)))
        return True

    def close(self, seconds: float = 10.0) -> None:
        """Write what is there, and stop."""
        self._stop.set()
        self._thread.join(seconds)

    def _work(self) -> None:
        patience = max(self._tick, 0.8 * self._settings.flush_seconds - 2 * self._tick)  # the rest is for the writing
        while True:
            last = self._stop.wait(self._tick)
            try:
                self._take_up()
                if self._since is not None and (last or time.monotonic() - self._since >= patience):
                    self._write()
            except Exception:  # a thread that dies would be noticed by nobody
                log.exception("the request log lost rows by an error of its own")
            if last:
                return

    def _take_up(self) -> None:
        """What was put aside becomes columns."""
        if (self._asked or self._told) and self._since is None:
            self._since = time.monotonic()
        wall = self._clock.ahead()
        while self._asked:
            portion = [self._asked.popleft() for _ in range(min(_PORTION, len(self._asked)))]
            for source in {id(one[0]): one[0] for one in portion}.values():
                mine = [one for one in portion if one[0] is source]
                self._enter(source, [(role, batch) for _, role, batch, _ in mine], sum(cost for *_, cost in mine), wall)
        while self._told:
            model, labels, output, came = self._told.popleft()
            self._book(FEEDBACK, model, None).frames.append(table_of(labels, output, came))
            self._book(FEEDBACK, model, None).cost += _LABEL * len(labels)

    def _enter(self, source: _Source, entries: Sequence[tuple[str, Batch]], cost: float, wall: float) -> None:
        try:
            frame = source.rows.frame(entries, wall)
        except Exception:
            log.exception("rows of %s could not be made for the request log", source.rows.model)
            frame = None
        if frame is None or not frame.height:
            self._released += cost
            return
        source.row_cost = 0.5 * source.row_cost + 0.5 * frame.estimated_size() / frame.height
        book = self._book(REQUESTS, source.rows.model, source.rows.version)
        book.frames.append(frame)
        book.cost += cost

    def _book(self, part: Part, model: str, version: int | None) -> _Book:
        key = (part, model, version)
        if key not in self._books:
            self._books[key] = _Book(part, model, version)
        return self._books[key]

    def _write(self) -> None:
        """Write each book as a file. What cannot be written waits for the next time."""
        import polars as pl

        for key, book in list(self._books.items()):
            rows = pl.concat(book.frames)
            try:
                self._shelf.write(book.part, book.model, book.version, rows)
            except Exception as error:  # whatever the file system raises
                book.frames = [rows]
                self._failed(error)
                self._since = time.monotonic()
                return
            (self._meters.written if book.part == REQUESTS else self._meters.labels).add(rows.height)
            self._released += book.cost
            del self._books[key]
        self._since = None
        self._recovered()

    def _failed(self, error: Exception) -> None:
        """Told once, by the first worker that notices."""
        if not self._meters.failing.total():
            reason = (str(error) or type(error).__name__).splitlines()[0][:200]
            log.error(
                "the request log at %s cannot be written: %s. Answers go on; rows wait in memory, and are dropped when there is no more room",
                mask(self._settings.path), mask(reason),
            )  # fmt: skip
        self._meters.failing.set(1.0)

    def _recovered(self) -> None:
        if self._meters.failing.here():
            self._meters.failing.set(0.0)
            if not self._meters.failing.total():
                log.warning("the request log at %s is written again; %d rows were dropped", mask(self._settings.path), self._meters.dropped.total())
