"""The actor through which the replicas of a server share state: the assignments, and the metrics of all.

It is not on the request path. A replica reports twice a second; while there is no coordinator, it answers by what it knows.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mlforge.serving.fleet.parcel import Parcel

__all__ = ["LEFT", "Coordinator", "Report", "Update"]

_SILENT = 3.0  # seconds after which a replica that has not come by is not counted as ready
_GONE = 60.0  # seconds after which it is taken for dead: what it has counted is kept, what it had under way is over
LEFT = 5.0  # seconds after which the command that leads has ended


@dataclass(frozen=True, slots=True)
class Report:
    """What a replica reports, twice a second."""

    name: str
    ready: bool
    cells: Sequence[float]  # its figures, in the order in which every replica registers them
    gauges: Sequence[int]  # which of them are not counted up
    seen: int  # the newest update that it has
    others: int = 0  # replicas besides it that it knows to be ready


@dataclass(frozen=True, slots=True)
class Update:
    """What it gets back."""

    number: int
    others: int  # replicas besides it that are ready
    cells: Sequence[float]  # what the others have counted, those that are gone included
    assignments: Mapping[str, Mapping[str, Any]] | None  # by model; None when it has the newest
    keys: bytes | None  # the file of keys, if there is one


@dataclass(slots=True)
class _Heard:
    report: Report
    at: float


@dataclass(slots=True)
class Coordinator:
    """The actor. Every call is short."""

    _number: int = 0
    _assignments: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    _keys: bytes | None = None
    _parcels: dict[str, Parcel] = field(default_factory=dict)
    _heard: dict[str, _Heard] = field(default_factory=dict)
    _gone: list[float] = field(default_factory=list)
    _led: float = 0.0
    _leader: str = ""

    def leader(self) -> str:
        """The leading command, if its heartbeat is recent; else an empty string."""
        return self._leader if time.monotonic() - self._led < LEFT else ""

    def lead(self, leader: str, number: int) -> bool:
        """The leader's heartbeat; True when it must publish everything again."""
        self._leader, self._led = leader, time.monotonic()
        return number != self._number

    def missing(self, digests: Sequence[str]) -> list[str]:
        """Bundles that must be uploaded before assignments may name them."""
        return [digest for digest in digests if digest not in self._parcels]

    def bring(self, digest: str, parcel: Parcel) -> None:
        """Upload a bundle."""
        self._parcels[digest] = parcel

    def tell(self, number: int, assignments: Mapping[str, Mapping[str, Any]], keys: bytes | None, digests: Sequence[str]) -> None:
        """Publish the whole state for replicas. Bundles that are no longer named are dropped."""
        self._number, self._assignments, self._keys = number, assignments, keys
        self._parcels = {digest: parcel for digest, parcel in self._parcels.items() if digest in digests}

    def parcel(self, digest: str) -> Parcel | None:
        """Download a bundle; None when it is no longer named."""
        return self._parcels.get(digest)

    def report(self, told: Report) -> Update:
        """Take a replica's report; the update for it."""
        now = time.monotonic()
        self._heard[told.name] = _Heard(told, now)
        for name in [name for name, heard in self._heard.items() if now - heard.at > _GONE]:
            self._bury(self._heard.pop(name).report)
        others = [heard for name, heard in self._heard.items() if name != told.name]
        live = [heard for heard in others if now - heard.at < _SILENT]
        cells = list(self._gone)
        for heard in others:
            cells = _added(cells, heard.report, whole=heard in live)
        ready = sum(heard.report.ready for heard in live)
        return Update(self._number, ready, cells, None if told.seen == self._number else self._assignments, self._keys)

    def ready(self) -> int:
        """How many replicas are ready."""
        now = time.monotonic()
        return sum(heard.report.ready for heard in self._heard.values() if now - heard.at < _SILENT)

    def settled(self) -> int:
        """How many replicas are ready and know of so many."""
        now, ready = time.monotonic(), self.ready()
        return sum(heard.report.ready and heard.report.others + 1 >= ready for heard in self._heard.values() if now - heard.at < _SILENT)

    def _bury(self, last: Report) -> None:
        self._gone = _added(self._gone, last, whole=False)


def _added(total: list[float], report: Report, *, whole: bool) -> list[float]:
    """A sum with one more replica; of one that is gone, only what is counted up."""
    gauges = frozenset() if whole else frozenset(report.gauges)
    padded = total + [0.0] * (len(report.cells) - len(total))
    return [had + (0.0 if place in gauges else cell) for place, (had, cell) in enumerate(zip(padded, report.cells, strict=False))] + padded[len(report.cells) :]
