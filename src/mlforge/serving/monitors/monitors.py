"""The supervisor's part in monitoring: it starts the collector, tells it which versions answer, and passes its text for /metrics on to the workers."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING

from mlforge.serving.monitors.kind import KIND
from mlforge.serving.monitors.monitor_plan import MonitorPlan
from mlforge.serving.plan import Plan
from mlforge.serving.sidecar import Sidecar

if TYPE_CHECKING:
    from mlforge.serving.monitors.collector import Tell, Watched
    from mlforge.serving.supervisor import Supervisor
    from mlforge.store import Store

__all__ = ["Monitors"]


class Monitors:
    """Starts and feeds the collector. `begin` is called before the supervisor runs; `tick` is one of its tickers."""

    def __init__(self, monitor_plan: MonitorPlan, store: Store, plan: Plan, tell: Tell) -> None:
        self._plan, self._store, self._tell = monitor_plan, store, tell
        self._late = plan.settings.deadline + monitor_plan.settings.seconds
        self._serving: list[Watched] = []
        self._sidecar = Sidecar("mlforge-monitor", self._collect, [monitor_plan.line.inlet.fileno()])

    def begin(self, supervisor: Supervisor) -> None:
        """Start the collector, if there is anything to watch by now."""
        self._store.close()  # SQLite bears no fork with an open connection; the collector opens its own
        self._serving = _served(supervisor)
        if self._serving:
            self._sidecar.start()
        supervisor.tickers.append(self.tick)

    def tick(self, supervisor: Supervisor) -> None:
        """Pass messages on in both directions; restart a collector that has died."""
        if (serving := _served(supervisor)) != self._serving:
            self._serving = serving
            self._sidecar.say(json.dumps(serving).encode())
        if not self._sidecar.begun and self._plan.meters.rows.total():
            self._sidecar.start()
        for line in self._sidecar.heard():
            supervisor.tell(KIND, json.loads(line))

    def _collect(self, line: socket.socket) -> None:
        from mlforge.serving.monitors.collector import Collector

        Collector(self._plan, self._store, line, self._late, self._tell).work(self._serving)

    def end(self) -> None:
        """Close its line, at which it stores what workers have sent and exits."""
        self._sidecar.end()
        self._plan.line.close()


def _served(supervisor: Supervisor) -> list[Watched]:
    return [(one.model, one.version, str(one.reference)) for one in supervisor.plan.offers if one.reference is not None]
