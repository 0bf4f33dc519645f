"""The collector: a sidecar process that adds up what workers have counted, judges windows that are over, stores them, and sends alerts.

It alone of the monitors talks to the store and to plugins. When it dies, the supervisor starts another, which begins with what is stored; what workers have
sent meanwhile waits in the socket between them.
"""

from __future__ import annotations

import json
import logging
import select
import socket
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import msgspec

from mlforge.errors import MlforgeError
from mlforge.monitoring.looking import Look
from mlforge.serving.datagrams import Inbox
from mlforge.serving.monitors.gauges import gauges
from mlforge.serving.monitors.monitor_plan import MonitorPlan
from mlforge.serving.monitors.pane_counts import PaneCounts
from mlforge.serving.monitors.version_monitor import VersionMonitor
from mlforge.store import Store
from mlforge.store.entries import Version

__all__ = ["Collector", "Tell", "Watched"]

log = logging.getLogger(__name__)

_TURN = 0.25  # seconds
_GAUGES = 15.0  # seconds after which alerts are looked up again: somebody may have acknowledged one
Watched = tuple[str, int, str]  # model, version, folder of its reference
Tell = Callable[[Store, Version, list[Look]], None]  # opens and closes alerts, and tells the recipe's channels


class Collector:
    """Merges, judges and stores windows until the supervisor is gone."""

    def __init__(self, monitor_plan: MonitorPlan, store: Store, supervisor: socket.socket, late: float, tell: Tell) -> None:
        self._plan, self._store, self._supervisor, self._tell = monitor_plan, store, supervisor, tell
        self._late = late  # seconds after its end that a window waits for rows that were asked about within it
        self._monitors: dict[Watched, VersionMonitor | None] = {}
        self._serving: set[Watched] = set()
        self._rest, self._text, self._asked = b"", "", 0.0
        self._teller = ThreadPoolExecutor(1, "mlforge-teller")
        self._telling: dict[Watched, Future[None]] = {}

    def work(self, serving: Sequence[Watched]) -> None:
        """`serving` are the versions that answer now; the supervisor says when others do."""
        self._follow(serving)
        inbox, poll = Inbox(self._plan.line), select.poll()
        for one in (inbox.fileno(), self._supervisor.fileno()):
            poll.register(one, select.POLLIN)
        period, due, over = self._plan.settings.seconds / 2, 0.0, False
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
        """Read the supervisor's messages; False when it is gone."""
        try:
            said = self._supervisor.recv(1 << 16, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return True
        except OSError:
            return False
        *lines, self._rest = (self._rest + said).split(b"\n")
        for line in lines:
            self._follow([(model, version, reference) for model, version, reference in json.loads(line)])
        return bool(said)

    def _follow(self, serving: Sequence[Watched]) -> None:
        self._serving = set(serving)
        for one in serving:
            self._monitor(one)
        for key, monitor in self._monitors.items():
            if monitor is not None:
                monitor.serving = key in self._serving

    def _monitor(self, key: Watched) -> VersionMonitor | None:
        if key not in self._monitors:
            model, version, reference = key
            try:
                found = self._store.registry.resolve(f"{model}@{version}")
                self._monitors[key] = VersionMonitor(self._store, found, Path(reference), self._plan.catalog, self._now(), self._plan.writer)
            except MlforgeError as error:
                log.warning("%s %d is not watched: %s", model, version, error)
                self._monitors[key] = None
        return self._monitors[key]

    def _take(self, message: bytes) -> None:
        try:
            counts = PaneCounts.read(message)
            monitor = self._monitor((counts.model, counts.version, counts.reference))
            if monitor is not None:
                monitor.add(counts)
        except (MlforgeError, msgspec.DecodeError) as error:
            log.warning("counts of a worker cannot be used: %s", error)

    def _now(self) -> float:
        """Windows that ended before this moment are over."""
        return time.time() - self._late

    def _turn(self, *, last: bool) -> None:
        try:
            for key, monitor in self._monitors.items():
                if monitor is not None and monitor.turn(self._now()) and not last:
                    self._spread(key, monitor)
            if not last:
                self._show()
        except Exception as error:  # the store's, whatever they are: counts wait in memory, and the next turn tries again
            if not self._plan.meters.failing.here():
                log.warning("what monitors count cannot be kept for now: %s", str(error).splitlines()[0], exc_info=not isinstance(error, MlforgeError))
            self._plan.meters.failing.set(1.0)
            return
        self._plan.meters.failing.set(0.0)
        self._plan.meters.kept.set(time.time())

    def _spread(self, key: Watched, monitor: VersionMonitor) -> None:
        """Send alerts in a thread of their own: a channel may be slow."""
        before = self._telling.get(key)
        if before is None or before.done():
            self._telling[key] = self._teller.submit(self._alert, monitor.version, monitor.looks())
        self._asked = 0.0

    def _alert(self, version: Version, looks: list[Look]) -> None:
        try:
            self._tell(self._store, version, looks)
        except Exception as error:  # a channel's, or the store's
            log.warning("alerts of %s could not be told: %s", version, str(error)[:500], exc_info=not isinstance(error, MlforgeError))
        self._asked = 0.0

    def _show(self) -> None:
        """Send the supervisor the text for /metrics, where it has changed."""
        if time.monotonic() - self._asked < _GAUGES:
            return
        self._asked = time.monotonic()
        monitors = [one for one in self._monitors.values() if one is not None]
        text = gauges(monitors, self._store) if monitors else ""
        if text != self._text:
            self._text = text
            self._supervisor.sendall(json.dumps(text).encode() + b"\n")
