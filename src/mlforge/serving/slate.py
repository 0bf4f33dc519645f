"""What went through a lane, noted by the worker's loop for a thread that makes rows of it later: the request log, the monitors.

The loop copies cells and forgets the request: numbers behind numbers, texts behind texts. So noting costs little more than the copying, nothing of a request
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

__all__ = ["Page", "Pile", "Slate"]

_PAGE = 4096  # rows after which another page is begun: so none takes long to be made rows of, while others wait for the interpreter


class Pile:
    """The cells of one column, row behind row."""

    __slots__ = ("add", "bytes", "dtype", "shape", "texts", "told")

    def __init__(self, like: np.ndarray) -> None:
        """`add` takes arrays of this type, [rows] or [rows, size], which lie in one piece."""
        self.dtype, self.shape = like.dtype, like.shape[1:]
        self.bytes, self.texts = bytearray(), list[str]()  # the one has cells that are numbers, the other those that are texts
        self.told = like.dtype.hasobject  # are they texts
        self.add: Callable[[np.ndarray], None] = _adding(self.texts) if self.told else self.bytes.extend


def _adding(texts: list[str]) -> Callable[[np.ndarray], None]:
    """Not a method of the pile: that would refer to what refers to it, and wait with all its texts for the garbage collector."""

    def add(more: np.ndarray) -> None:
        texts.extend(more.ravel().tolist())

    return add


class Page:
    """Some batches. What is told of a request is there once a request; `columns` and `outputs` have its rows."""

    __slots__ = ("adds", "arrived", "columns", "counts", "ids", "outputs", "places", "roles", "rows", "taken", "waited")

    def __init__(self, batch: Batch, places: Sequence[int]) -> None:
        """`places` are those of the graph's inputs that are noted."""
        self.ids: list[str] = []
        self.roles: list[str] = []  # of the lane, at that time
        self.arrived, self.waited = array("d"), array("d")  # as `time.perf_counter` has it; seconds until there was an answer
        self.counts = array("q")  # rows
        self.places: dict[int, Sequence[int]] = {}  # by request: where its rows are in it, if some were rejected
        self.taken: list[bool] = []  # is it in the sample; empty where all are
        self.columns = [Pile(batch.columns[place]) for place in places]
        self.outputs: Mapping[str, Pile] = {name: Pile(output) for name, output in batch.outputs.items()}
        self.rows = 0
        self.adds = [*zip(places, (pile.add for pile in self.columns), strict=True)]


class Slate:
    """What was noted of one lane and not taken yet. One thread notes, another takes."""

    def __init__(self, places: Sequence[int], sampled: Callable[[str], bool] | None = None, full: Callable[[], None] | None = None) -> None:
        """`sampled` chooses requests by their id; `full` is called when a page is."""
        self._places, self._sampled, self._full = places, sampled, full
        self._pages: deque[Page] = deque()
        self._lock = Lock()
        self.rows = 0  # on all pages
        self.row_cost = 0.0  # bytes that a row is thought to take; whoever takes pages may know better

    def note(self, batch: Batch, role: str) -> float:
        """Note a batch that has rows; the bytes that they are thought to take, 0 where no request of it is in the sample."""
        taken = None if self._sampled is None else [self._sampled(ask.id) for ask in batch.asks]
        if taken is not None and True not in taken:
            return 0.0
        with self._lock:
            if not self._pages or self._pages[-1].rows >= _PAGE:
                self._pages.append(Page(batch, self._places))
            page = self._pages[-1]
            if taken is not None:
                page.taken += taken
            for place, add in page.adds:
                add(batch.columns[place])
            for name, pile in page.outputs.items():
                pile.add(batch.outputs[name])
            finished = batch.finished
            for ask in batch.asks:
                if ask.load.accepted is not None:
                    page.places[len(page.ids)] = ask.load.accepted
                page.ids.append(ask.id)
                page.roles.append(role)
                page.arrived.append(ask.arrived)
                page.waited.append(finished - ask.arrived)
                page.counts.append(ask.rows)
            page.rows += batch.rows
            self.rows += batch.rows
        if self._full is not None and page.rows >= _PAGE:
            self._full()
        return batch.rows * self.row_cost

    def take(self) -> deque[Page]:
        """What was noted since the last time."""
        with self._lock:
            pages, self._pages, self.rows = self._pages, deque(), 0
        return pages
