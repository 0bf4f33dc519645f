"""Metrics in shared memory, registered before the fork: each worker writes its own cells, and any process can sum them.

A cell costs a worker one addition. A worker that dies leaves what it has counted, and the one that takes its place goes on from there.
"""

from __future__ import annotations

import mmap
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["LATENCIES", "Cell", "Ledger", "Timer", "escaped"]

LATENCIES = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)  # seconds
_CAPACITY = 4096  # cells of a worker
_BYTES = 8
Kind = Literal["counter", "gauge", "histogram"]


@dataclass(frozen=True, slots=True)
class _Family:
    kind: Kind
    about: str
    cells: list[tuple[str, Mapping[str, str], Cell]] = field(default_factory=list)  # suffix, labels, cell


class Ledger:
    """The metrics registry: cells for each worker, and one set for the supervisor."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self.view = memoryview(mmap.mmap(-1, (workers + 1) * _CAPACITY * _BYTES)).cast("d")
        self.base = workers * _CAPACITY  # the supervisor's own, until a worker takes its place
        self._families: dict[str, _Family] = {}
        self._used = 0
        self._sealed = False

    def take(self, worker: int) -> None:
        """From here on, this process is that worker. What its predecessor had under way is over: its gauges begin at nothing."""
        self.base = worker * _CAPACITY
        self._sealed = True
        for family in self._families.values():
            for _, _, cell in family.cells if family.kind == "gauge" else ():
                cell.set(0.0)

    def cell(self, name: str, labels: Mapping[str, str] | None = None, *, about: str = "", kind: Kind = "counter") -> Cell:
        """A figure; to be registered before the fork. The same name and labels give the same cell."""
        return self._registered(name, "", labels or {}, about, kind)

    def timer(self, name: str, labels: Mapping[str, str] | None = None, *, about: str = "", bounds: Sequence[float] = LATENCIES) -> Timer:
        """How often something took how long, in seconds."""
        labels = labels or {}
        buckets = [self._registered(name, "_bucket", {**labels, "le": f"{bound:g}"}, about, "histogram") for bound in bounds]
        rest = self._registered(name, "_bucket", {**labels, "le": "+Inf"}, about, "histogram")
        return Timer(tuple(bounds), (*buckets, rest), self._registered(name, "_sum", labels, about, "histogram"))

    def _registered(self, name: str, suffix: str, labels: Mapping[str, str], about: str, kind: Kind) -> Cell:
        family = self._families.setdefault(name, _Family(kind, about))
        known = next((cell for other, had, cell in family.cells if other == suffix and had == labels), None)
        if known is not None:
            return known
        assert not self._sealed, f"{name}: figures are registered before the fork"
        assert self._used < _CAPACITY, "more figures than a ledger has room for"
        made = Cell(self, self._used)
        self._used += 1
        family.cells.append((suffix, labels, made))
        return made

    def own(self) -> list[float]:
        """This worker's cells, in the order in which they were registered."""
        return list(self.view[self.base : self.base + self._used])

    def gauges(self) -> list[int]:
        """The places of those that are not counted up."""
        return [cell.place for family in self._families.values() if family.kind == "gauge" for _, _, cell in family.cells]

    def add_others(self, cells: Sequence[float]) -> None:
        """What others have counted, who share no memory with this one: it takes the place of what was known of them before."""
        start = self.workers * _CAPACITY
        for place, cell in enumerate(cells[: self._used]):
            self.view[start + place] = cell

    def text(self) -> str:
        """All figures, summed over the workers, as Prometheus reads them."""
        return "".join(f"{line}\n" for line in self._lines())

    def _lines(self) -> Iterator[str]:
        for name, family in self._families.items():
            if family.about:
                yield f"# HELP {name} {family.about}"
            yield f"# TYPE {name} {family.kind}"
            running = 0.0
            for suffix, labels, cell in family.cells:
                figure = cell.total()
                if suffix == "_bucket":
                    figure = running = running + figure
                yield f"{name}{suffix}{_labels(labels)} {_number(figure)}"
                if suffix == "_sum":
                    yield f"{name}_count{_labels(labels)} {_number(running)}"
                    running = 0.0


class Cell:
    """A counter or a gauge."""

    __slots__ = ("_ledger", "_place")

    def __init__(self, ledger: Ledger, place: int) -> None:
        self._ledger, self._place = ledger, place

    @property
    def place(self) -> int:
        """Which of a worker's cells it is."""
        return self._place

    def add(self, amount: float = 1.0) -> None:
        """Count."""
        ledger = self._ledger
        ledger.view[ledger.base + self._place] += amount

    def set(self, amount: float) -> None:
        """Of a gauge: what it is now, in this process."""
        self._ledger.view[self._ledger.base + self._place] = amount

    def here(self) -> float:
        """This process's own."""
        return self._ledger.view[self._ledger.base + self._place]

    def total(self) -> float:
        """Of all workers and the supervisor."""
        view = self._ledger.view
        return sum(view[worker * _CAPACITY + self._place] for worker in range(self._ledger.workers + 1))


class Timer:
    """A histogram of seconds."""

    __slots__ = ("_bounds", "_cells", "_sum")

    def __init__(self, bounds: tuple[float, ...], cells: tuple[Cell, ...], total: Cell) -> None:
        self._bounds, self._cells, self._sum = bounds, cells, total

    def note(self, seconds: float) -> None:
        """It took so long, once more."""
        self._cells[bisect_left(self._bounds, seconds)].add()
        self._sum.add(seconds)

    def counts(self) -> tuple[float, ...]:
        """How often, in each bucket, over all workers; the last is beyond every bound."""
        return tuple(cell.total() for cell in self._cells)


def _labels(labels: Mapping[str, str]) -> str:
    return "{" + ",".join(f'{name}="{escaped(value)}"' for name, value in labels.items()) + "}" if labels else ""


def escaped(value: str) -> str:
    """A label's value as Prometheus reads it."""
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(figure: float) -> str:
    return str(int(figure)) if figure == int(figure) else repr(figure)
