"""What went through a lane, noted by the worker's loop for a thread that makes rows of it later: the request log, the monitors.

The loop copies cells and forgets the request: numbers behind numbers, texts behind texts. So noting costs little more than the copying, nothing of a request
lives longer than its answer, and what waits takes as much memory as its cells.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from mlforge.serving.batcher import Batch

__all__ = ["Page", "Pile", "Slate"]


class Pile:
    """The cells of one column, row behind row."""

    __slots__ = ("_bytes", "_dtype", "_shape", "_told", "add", "texts")

    def __init__(self, like: np.ndarray) -> None:
        """`add` takes arrays of this type, [rows] or [rows, size], which lie in one piece."""
        self._dtype, self._shape = like.dtype, like.shape[1:]
        self._bytes, self.texts = bytearray(), list[str]()
        self._told = like.dtype.hasobject
        self.add: Callable[[np.ndarray], None] = self._said if self._told else self._bytes.extend

    def _said(self, texts: np.ndarray) -> None:
        self.texts += texts.ravel().tolist()

    def array(self) -> np.ndarray:
        """All of them, if they are numbers."""
        import numpy as np

        return np.frombuffer(self._bytes, self._dtype).reshape(-1, *self._shape)

    @property
    def cells(self) -> np.ndarray | list[str]:
        """All of them."""
        return self.texts if self._told else self.array()


class Page:
    """Some batches. What is told of a request is there once a request; `columns` and `outputs` have its rows."""

    __slots__ = ("adds", "arrived", "columns", "cost", "counts", "ids", "outputs", "places", "roles", "taken", "waited")

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
        self.cost = 0.0  # bytes that its rows are thought to take
        self.adds = [*zip(places, (pile.add for pile in self.columns), strict=True)]


class Slate:
    """What was noted of one lane and not taken yet. One thread notes, another takes."""

    def __init__(self, places: Sequence[int], sampled: Callable[[str], bool] | None = None) -> None:
        """`sampled` chooses requests by their id."""
        self._places, self._sampled = places, sampled
        self._page: Page | None = None
        self._lock = Lock()
        self.rows = 0  # on the page
        self.row_cost = 0.0  # bytes that a row is thought to take; whoever takes pages may know better

    def note(self, batch: Batch, role: str) -> float:
        """Note a batch that has rows; the bytes that they are thought to take, 0 where no request of it is in the sample."""
        taken = None if self._sampled is None else [self._sampled(ask.id) for ask in batch.asks]
        if taken is not None and True not in taken:
            return 0.0
        with self._lock:
            if (page := self._page) is None:
                page = self._page = Page(batch, self._places)
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
            self.rows += batch.rows
            cost = batch.rows * self.row_cost
            page.cost += cost
        return cost

    def take(self) -> Page | None:
        """What was noted since the last time."""
        with self._lock:
            page, self._page, self.rows = self._page, None, 0
        return page
