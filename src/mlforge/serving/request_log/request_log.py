"""A worker's end of the request log: rows and labels are buffered, and a thread sends them to the log's writer.

Answering waits neither for a disk nor for the writer. The event loop appends batches to a buffer; the thread sends full chunks at once, and what there is a few
times a second. So a worker that is killed loses the rows of a moment.
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
from mlforge.serving.request_log.channel import Channel, Message
from mlforge.serving.request_log.labels import Label, LabelBatch
from mlforge.serving.request_log.recorder import Recorded, RowRecorder

if TYPE_CHECKING:
    from mlforge.serving.batcher import Batch
    from mlforge.serving.lane import Lane
    from mlforge.task import Output

__all__ = ["RequestLog"]

log = logging.getLogger(__name__)

_SOON = 0.01  # seconds between two looks at the buffers while the writer is behind
_CELL = 16  # bytes that a cell is estimated to take until some have been encoded
_LABEL = 100  # bytes of a label


class RequestLog:
    """Buffers rows and labels, and sends them to the writer. Made in the worker, after the fork."""

    def __init__(self, channel: Channel, worker: int, clock: Clock | None = None) -> None:
        self._settings, self._meters, self._backlog = channel.settings, channel.meters, channel.backlog
        self._worker, self._clock = worker, clock or Clock()
        self._outbox, self._encoder = Outbox(channel.line), msgspec.msgpack.Encoder()
        self._recorders: list[tuple[ref[Lane], RowRecorder]] = []
        self._labels: deque[LabelBatch] = deque()
        self._tick = channel.tick
        self._backlog.reset(worker)
        self._wake, self._over = threading.Event(), False
        self._grace = 0.0  # seconds for the last sending
        self._thread = threading.Thread(target=self._work, name="mlforge-request-log", daemon=True)
        self._thread.start()

    def observer(self, lane: Lane) -> Callable[[Batch], None]:
        """An observer for a lane's batches."""
        recorder = RowRecorder(lane.engine, self._settings.columns, self._settings.sample, self._wake.set)
        recorder.buffer.row_cost = float(_CELL * (len(lane.engine.inputs) + 8))
        self._recorders.append((ref(lane), recorder))
        append, backlog, worker, most, dropped = recorder.buffer.append, self._backlog, self._worker, self._settings.waiting, self._meters.dropped

        def offer(batch: Batch) -> None:
            if backlog.waiting(worker) > most:
                dropped.add(batch.rows)
            elif batch.rows:
                backlog.add(worker, append(batch, lane.role))

        return offer

    def label(self, model: str, labels: list[Label], output: Output) -> bool:
        """Take labels; False when there is no room for them now."""
        if self._backlog.waiting(self._worker) > self._settings.waiting:
            return False
        self._backlog.add(self._worker, _LABEL * len(labels))
        self._labels.append(LabelBatch.of(model, labels, output))
        return True

    def close(self, seconds: float = 10.0) -> None:
        """Send what is there, and stop."""
        self._grace, self._over = seconds, True
        self._wake.set()
        self._thread.join(seconds)

    def _work(self) -> None:
        while True:
            self._wake.wait(_SOON if self._outbox.waiting else self._tick)
            self._wake.clear()
            over = self._over
            try:
                self._take()
                self._outbox.flush(self._grace if over else 0.0)
            except OSError as error:  # the writer's end is closed
                self._outbox.clear()
                self._backlog.reset(self._worker)
                log.warning("rows could not be sent to the request log's writer: %s", error)
            except Exception:  # a thread that dies would be noticed by nobody
                log.exception("the request log lost rows by an error of its own")
            if over:
                return

    def _take(self) -> None:
        """Encode what is there for the outbox."""
        wall = self._clock.ahead()
        for lane, recorder in list(self._recorders):
            gone = lane() is None  # asked first: a lane that is gone appends nothing more
            chunks = recorder.buffer.take()
            while chunks:
                chunk = chunks.popleft()  # whose memory is free before the next one is encoded
                recorder.buffer.row_cost = self._put(recorder.recorded(chunk, wall)) / chunk.rows
            if gone:
                self._recorders.remove((lane, recorder))
        while self._labels:
            self._put(self._labels.popleft())

    def _put(self, content: Recorded | LabelBatch) -> int:
        """Queue a message; its size in bytes."""
        message = self._encoder.encode(Message(self._worker, self._backlog.added(self._worker), content))
        self._outbox.put(message)
        return len(message)
