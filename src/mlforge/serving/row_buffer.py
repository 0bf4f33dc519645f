"""Buffers of answered rows, filled by the worker's event loop and emptied by a thread: the request log's, the monitors'.

The loop copies cells and forgets the request: numbers behind numbers, texts behind texts. So appending costs little more than the copying, nothing of a request
lives longer than its answer, and what waits takes as much memory as its cells.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from mlforge.serving.batcher import Batch

__all__ = ["Chunk", "ColumnBuffer", "RowBuffer"]

_CHUNK = 4096  # rows after which another chunk is begun: so none takes long to encode, while other threads wait for the interpreter


class ColumnBuffer:
    """The cells of one column, row behind row."""

    __slots__ = ("add", "bytes", "dtype", "is_text", "shape", "texts")

    def __init__(self, like: np.ndarray) -> None:
        """`add` takes arrays of this type, [rows] or [rows, size], which lie in one piece."""
        self.dtype, self.shape = like.dtype, like.shape[1:]
        self.bytes, self.texts = bytearray(), list[str]()  # numbers go to the one, texts to the other
        self.is_text = like.dtype.hasobject
        self.add: Callable[[np.ndarray], None] = _adding(self.texts) if self.is_text else self.bytes.extend


def _adding(texts: list[str]) -> Callable[[np.ndarray], None]:
    """Not a method of the buffer: that would refer to what refers to it, and wait with all its texts for the garbage collector."""

    def add(more: np.ndarray) -> None:
        texts.extend(more.ravel().tolist())

    return add


class Chunk:
    """Consecutive batches. Lists about requests have one entry a request; `columns` and `outputs` have its rows."""

    __slots__ = ("adds", "arrived", "columns", "counts", "ids", "outputs", "places", "roles", "rows", "sampled_in", "waited")

    def __init__(self, batch: Batch, places: Sequence[int]) -> None:
        """`places` are the graph's inputs that are kept, by position."""
        self.ids: list[str] = []
        self.roles: list[str] = []  # of the lane, at that time
        self.arrived, self.waited = array("d"), array("d")  # as `time.perf_counter` has it; seconds until there was an answer
        self.counts = array("q")  # rows
        self.places: dict[int, Sequence[int]] = {}  # by request: where its rows are in it, if some were rejected
        self.sampled_in: list[bool] = []  # is it in the sample; empty where all are
        self.columns = [ColumnBuffer(batch.columns[place]) for place in places]
        self.outputs: Mapping[str, ColumnBuffer] = {name: ColumnBuffer(output) for name, output in batch.outputs.items()}
        self.rows = 0
        self.adds = [*zip(places, (buffer.add for buffer in self.columns), strict=True)]


class RowBuffer:
    """Rows of one lane that were answered and not taken yet. One thread appends, another takes."""

    def __init__(self, places: Sequence[int], sampled: Callable[[str], bool] | None = None, full: Callable[[], None] | None = None) -> None:
        """`sampled` chooses requests by their id; `full` is called when a chunk is."""
        self._places, self._sampled, self._full = places, sampled, full
        self._chunks: deque[Chunk] = deque()
        self._lock = Lock()
        self.rows = 0  # in all chunks
        self.row_cost = 0.0  # estimated bytes of a row; whoever takes chunks may know better

    def append(self, batch: Batch, role: str) -> float:
        """Append a batch that has rows; returns the bytes that they are estimated to take, 0 where no request of it is in the sample."""
        sampled_in = None if self._sampled is None else [self._sampled(ask.id) for ask in batch.asks]
        if sampled_in is not None and True not in sampled_in:
            return 0.0
        with self._lock:
            if not self._chunks or self._chunks[-1].rows >= _CHUNK:
                self._chunks.append(Chunk(batch, self._places))
            chunk = self._chunks[-1]
            if sampled_in is not None:
                chunk.sampled_in += sampled_in
            for place, add in chunk.adds:
                add(batch.columns[place])
            for name, buffer in chunk.outputs.items():
                buffer.add(batch.outputs[name])
            finished = batch.finished
            for ask in batch.asks:
                if ask.load.accepted is not None:
                    chunk.places[len(chunk.ids)] = ask.load.accepted
                chunk.ids.append(ask.id)
                chunk.roles.append(role)
                chunk.arrived.append(ask.arrived)
                chunk.waited.append(finished - ask.arrived)
                chunk.counts.append(ask.rows)
            chunk.rows += batch.rows
            self.rows += batch.rows
        if self._full is not None and chunk.rows >= _CHUNK:
            self._full()
        return batch.rows * self.row_cost

    def take(self) -> deque[Chunk]:
        """All chunks since the last time."""
        with self._lock:
            chunks, self._chunks, self.rows = self._chunks, deque(), 0
        return chunks
