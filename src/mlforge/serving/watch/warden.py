"""The warden: a process beside the house that puts together what workers have counted, judges windows that are over, keeps them, and tells people of alerts.

It alone of the monitors talks to the store and to plugins. When it dies, the house starts another, which begins with what is kept; what workers have sent
meanwhile waits in the line between them.
"""

from __future__ import annotations

import json
import logging
import select
import signal
import socket
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import msgspec

from mlforge.errors import MlforgeError
from mlforge.monitoring.looking import Look
from mlforge.serving.parcels import Inbox
from mlforge.serving.watch.gauges import gauges
from mlforge.serving.watch.outfit import Outfit
from mlforge.serving.watch.sighting import Sighting
from mlforge.serving.watch.station import Station
from mlforge.store import Store
from mlforge.store.entries import Version

__all__ = ["Served", "Tell", "Warden"]

log = logging.getLogger(__name__)

_TURN = 0.25  # seconds
_GAUGES = 15.0  # seconds after which alerts are looked up again: somebody may have acknowledged one
Served = tuple[str, int, str]  # model, version, folder of its reference
Tell = Callable[[Store, Version, list[Look]], None]  # opens and closes alerts, and tells the recipe's channels


class Warden:
    """Works until the house is gone."""

    def __init__(self, outfit: Outfit, store: Store, house: socket.socket, late: float, tell: Tell) -> None:
        self._outfit, self._store, self._house, self._tell = outfit, store, house, tell
        self._late = late  # seconds after its end that a window waits for rows that were asked about within it
        self._stations: dict[Served, Station | None] = {}
        self._serving: set[Served] = set()
        self._rest, self._text, self._asked = b"", "", 0.0
        self._teller = ThreadPoolExecutor(1, "mlforge-teller")
        self._telling: dict[Served, Future[None]] = {}

    def work(self, serving: Sequence[Served]) -> None:
        """`serving` are the versions that answer now; the house says when others do."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)  # the house says when it is over
        self._follow(serving)
        inbox, poll = Inbox(self._outfit.inlet), select.poll()
        for one in (inbox.fileno(), self._house.fileno()):
            poll.register(one, select.POLLIN)
        period, due, over = self._outfit.settings.seconds / 2, 0.0, False
        while not over:
            poll.poll(max(0.0, min(due - time.monotonic(), _TURN)) * 1000)
            over = not self._hear()
            for message in inbox.messages():
                self._take(message)
            if over or time.monotonic() >= due:
                self._turn(last=over)
                due = time.monotonic() + period
        self._teller.shutdown(wait=False, cancel_futures=True)
        self._store.close()

    def _hear(self) -> bool:
        """What the house says; False when it is gone."""
        try:
            said = self._house.recv(1 << 16, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return True
        except OSError:
            return False
        *lines, self._rest = (self._rest + said).split(b"\n")
        for line in lines:
            self._follow([(model, version, reference) for model, version, reference in json.loads(line)])
        return bool(said)

    def _follow(self, serving: Sequence[Served]) -> None:
        self._serving = set(serving)
        for one in serving:
            self._station(one)
        for key, station in self._stations.items():
            if station is not None:
                station.serving = key in self._serving

    def _station(self, key: Served) -> Station | None:
        if key not in self._stations:
            model, version, reference = key
            try:
                found = self._store.registry.resolve(f"{model}@{version}")
                self._stations[key] = Station(self._store, found, Path(reference), self._outfit.catalog, self._now(), self._outfit.writer)
            except MlforgeError as error:
                log.warning("%s %d is not watched: %s", model, version, error)
                self._stations[key] = None
        return self._stations[key]

    def _take(self, message: bytes) -> None:
        try:
            sighting = Sighting.read(message)
            station = self._station((sighting.model, sighting.version, sighting.reference))
            if station is not None:
                station.add(sighting)
        except (MlforgeError, msgspec.DecodeError) as error:
            log.warning("counts of a worker cannot be used: %s", error)

    def _now(self) -> float:
        """Windows that ended before this moment are over."""
        return time.time() - self._late

    def _turn(self, *, last: bool) -> None:
        try:
            for key, station in self._stations.items():
                if station is not None and station.turn(self._now()) and not last:
                    self._spread(key, station)
            if not last:
                self._show()
        except Exception as error:  # the store's, whatever they are: counts wait in memory, and the next turn tries again
            if not self._outfit.meters.failing.here():
                log.warning("what monitors count cannot be kept for now: %s", str(error).splitlines()[0], exc_info=not isinstance(error, MlforgeError))
            self._outfit.meters.failing.set(1.0)
            return
        self._outfit.meters.failing.set(0.0)
        self._outfit.meters.kept.set(time.time())

    def _spread(self, key: Served, station: Station) -> None:
        """Alerts are told beside the counting: a pager may take its time."""
        before = self._telling.get(key)
        if before is None or before.done():
            self._telling[key] = self._teller.submit(self._alert, station.version, station.looks())
        self._asked = 0.0

    def _alert(self, version: Version, looks: list[Look]) -> None:
        try:
            self._tell(self._store, version, looks)
        except Exception as error:  # a channel's, or the store's
            log.warning("alerts of %s could not be told: %s", version, str(error)[:500], exc_info=not isinstance(error, MlforgeError))
        self._asked = 0.0

    def _show(self) -> None:
        """Pass on to the house what /metrics is to say."""
        if time.monotonic() - self._asked < _GAUGES:
            return
        self._asked = time.monotonic()
        stations = [one for one in self._stations.values() if one is not None]
        text = gauges(stations, self._store) if stations else ""
        if text != self._text:
            self._text = text
            self._house.sendall(json.dumps(text).encode() + b"\n")
