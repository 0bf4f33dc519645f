"""The journal of one worker: rows and labels are put aside at once, and a thread hands them to the log's writer.

Nothing here waits for a disk, nor for the writer while a request is answered. The loop notes batches on a slate; the thread takes pages that are full at once,
and what there is a few times a second. So a worker that is killed takes with it the rows of a moment.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING
from weakref import ref

import msgspec

from mlforge.serving.clock import Clock
from mlforge.serving.datagrams import Outbox
from mlforge.serving.journal.channel import Channel, Message
from mlforge.serving.journal.labels import Label, Told
from mlforge.serving.journal.rows import Noted, Rows

if TYPE_CHECKING:
    from mlforge.serving.batcher import Batch
    from mlforge.serving.lane import Lane
    from mlforge.task import Output

__all__ = ["Journal"]

log = logging.getLogger(__name__)

_TICK = 0.2  # seconds between two looks at what was noted
_SOON = 0.01  # the same, while the line is full
_CELL = 16  # bytes that a cell is thought to take until some have been seen
_LABEL = 100  # bytes of a label


class Journal:
    """Takes rows and labels, and sees that they get to the writer. Made in the worker, after the fork."""

    def __init__(self, channel: Channel, worker: int, clock: Clock | None = None) -> None:
        self._settings, self._meters, self._room = channel.settings, channel.meters, channel.room
        self._worker, self._clock = worker, clock or Clock()
        self._outbox, self._encoder = Outbox(channel.outlet), msgspec.msgpack.Encoder()
        self._noted: list[tuple[ref[Lane], Rows]] = []
        self._told: deque[Told] = deque()
        self._tick = min(_TICK, self._settings.flush_seconds / 5)
        self._room.begin(worker)
        self._wake, self._over = threading.Event(), False
        self._last = 0.0  # seconds for the last of it
        self._thread = threading.Thread(target=self._work, name="mlforge-journal", daemon=True)
        self._thread.start()

    def observer(self, lane: Lane) -> Callable[[Batch], None]:
        """What a lane is to call with each batch."""
        rows = Rows(lane.engine, self._settings.columns, self._settings.sample, self._wake.set)
        rows.slate.row_cost = float(_CELL * (len(lane.engine.inputs) + 8))
        self._noted.append((ref(lane), rows))
        note, room, worker, most, dropped = rows.slate.note, self._room, self._worker, self._settings.waiting, self._meters.dropped

        def offer(batch: Batch) -> None:
            if room.waiting(worker) > most:
                dropped.add(batch.rows)
            elif batch.rows:
                room.offer(worker, note(batch, lane.role))

        return offer

    def label(self, model: str, labels: list[Label], output: Output) -> bool:
        """Take labels; False when there is no room for them now."""
        if self._room.waiting(self._worker) > self._settings.waiting:
            return False
        self._room.offer(self._worker, _LABEL * len(labels))
        self._told.append(Told.of(model, labels, output))
        return True

    def close(self, seconds: float = 10.0) -> None:
        """Hand over what is there, and stop."""
        self._last, self._over = seconds, True
        self._wake.set()
        self._thread.join(seconds)

    def _work(self) -> None:
        while True:
            self._wake.wait(_SOON if self._outbox.waiting else self._tick)
            self._wake.clear()
            over = self._over
            try:
                self._take()
                self._outbox.flush(self._last if over else 0.0)
            except OSError as error:  # the writer's end is closed
                self._outbox.clear()
                self._room.begin(self._worker)
                log.warning("rows could not be handed to the request log's writer: %s", error)
            except Exception:  # a thread that dies would be noticed by nobody
                log.exception("the request log lost rows by an error of its own")
            if over:
                return

    def _take(self) -> None:
        """Put what is there into the outbox."""
        wall = self._clock.ahead()
        for lane, rows in list(self._noted):
            gone = lane() is None  # asked first: a lane that is no more notes nothing
            pages = rows.slate.take()
            while pages:
                page = pages.popleft()  # whose memory is free again before the next one's turn
                rows.slate.row_cost = self._put(rows.noted(page, wall)) / page.rows
            if gone:
                self._noted.remove((lane, rows))
        while self._told:
            self._put(self._told.popleft())

    def _put(self, content: Noted | Told) -> int:
        """How many bytes it takes."""
        message = self._encoder.encode(Message(self._worker, self._room.offered(self._worker), content))
        self._outbox.put(message)
        return len(message)
