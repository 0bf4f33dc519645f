"""The journal of one worker: rows and labels are put aside at once, and a thread of its own writes them.

Nothing here waits for a disk while a request is answered. The loop notes batches on a slate; the thread makes rows of it when there are many, or when it is
time to write. Files are written, synced and named every `flush_seconds`, or before, when there is enough for one: so what waits stays small.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from weakref import ref

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

_TICK = 0.2  # seconds between two looks at what was noted
_SOON = 0.02  # the same, while there is nearly enough for a file
_CELL = 32  # bytes that a cell is thought to take until one has been seen
_LABEL = 200  # bytes of a label, likewise
_PAGE = 8192  # noted rows that are made into rows of the log before it is time to write
_FILE = 4 * 1024**2  # bytes that are written before it is time


@dataclass
class _Book:
    """Rows of one kind that wait to be written."""

    part: Part
    model: str
    version: int | None
    frames: list[pl.DataFrame] = field(default_factory=list)
    cost: float = 0.0  # bytes that they were thought to take


class Journal:
    """Takes rows and labels, and sees that they are written. Made in the worker, after the fork."""

    def __init__(self, settings: LogSettings, meters: Meters, clock: Clock | None = None) -> None:
        self._settings, self._meters, self._clock = settings, meters, clock or Clock()
        self._shelf = Shelf(settings.path, settings.max_size)
        self._noted: list[tuple[ref[Lane], Rows]] = []
        self._told: deque[tuple[str, list[Label], Output, datetime]] = deque()
        self._offered = self._released = 0.0  # bytes; the loop writes the one, the thread the other
        self._books: dict[tuple[Part, str, int | None], _Book] = {}
        self._since: float | None = None  # when the oldest row that waits was seen
        self._tick = min(_TICK, settings.flush_seconds / 5)
        self._patience = max(self._tick, 0.8 * settings.flush_seconds - 2 * self._tick)  # the rest is for the writing
        self._enough = min(_FILE, settings.waiting / 2)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="mlforge-journal", daemon=True)
        self._thread.start()

    def observer(self, lane: Lane) -> Callable[[Batch], None]:
        """What a lane is to call with each batch."""
        rows = Rows(lane.engine, self._settings.columns, self._settings.sample)
        rows.slate.row_cost = float(_CELL * (len(lane.engine.inputs) + 8))
        self._noted.append((ref(lane), rows))
        note, room, dropped = rows.slate.note, self._settings.waiting, self._meters.dropped

        def offer(batch: Batch) -> None:
            if self._offered - self._released > room:
                dropped.add(batch.rows)
            elif batch.rows:
                self._offered += note(batch, lane.role)

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
        while True:
            near = self._offered - self._released >= self._enough / 2
            last = self._stop.wait(min(_SOON, self._tick) if near else self._tick)
            try:
                self._look(last=last)
            except Exception:  # a thread that dies would be noticed by nobody
                log.exception("the request log lost rows by an error of its own")
            if last:
                return

    def _look(self, *, last: bool) -> None:
        """Is anything there, and is it time to do something about it."""
        due = last or self._due()
        wall = self._clock.ahead()
        for lane, rows in list(self._noted):
            if due and lane() is None and not rows.slate.rows:  # that lane is no more
                self._noted.remove((lane, rows))
            elif due or rows.slate.rows >= _PAGE:
                self._enter(rows, wall)
        while self._told:
            self._enter_labels(*self._told.popleft())
        if due:
            self._write()

    def _due(self) -> bool:
        if self._since is None:
            if self._told or any(rows.slate.rows for _, rows in self._noted):
                self._since = time.monotonic()
            return False
        enough = self._offered - self._released >= self._enough and not self._meters.failing.here()
        return enough or time.monotonic() - self._since >= self._patience

    def _enter(self, rows: Rows, wall: float) -> None:
        """What was noted of a lane becomes rows."""
        if (page := rows.slate.take()) is None:
            return
        try:
            frame = rows.frame(page, wall)
        except Exception:
            log.exception("rows of %s could not be made for the request log", rows.model)
            self._released += page.cost
            return
        rows.slate.row_cost = 0.5 * rows.slate.row_cost + 0.5 * frame.estimated_size() / frame.height
        book = self._book(REQUESTS, rows.model, rows.version)
        book.frames.append(frame)
        book.cost += page.cost

    def _enter_labels(self, model: str, labels: list[Label], output: Output, came: datetime) -> None:
        book = self._book(FEEDBACK, model, None)
        book.frames.append(table_of(labels, output, came))
        book.cost += _LABEL * len(labels)

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
