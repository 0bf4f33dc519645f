"""One version's windows, of every kind that its monitors look at."""

from __future__ import annotations

from pathlib import Path

from mlforge.errors import DataError
from mlforge.monitoring.looking import Look
from mlforge.monitoring.monitor_set import MonitorSet
from mlforge.monitoring.panes import Panes
from mlforge.plugins import Catalog
from mlforge.reference import Reference
from mlforge.serving.monitors.pane_counts import PaneCounts
from mlforge.serving.monitors.window_series import WindowSeries
from mlforge.store import Store
from mlforge.store.entries import Version

__all__ = ["VersionMonitor"]


class VersionMonitor:
    """Starts from the windows that the store has. Raises MlforgeError when the monitors cannot be made."""

    def __init__(self, store: Store, version: Version, reference: Path, catalog: Catalog, now: float, writer: str) -> None:
        monitor_set = MonitorSet.open(Reference(reference), catalog)
        self.version, self.serving = version, False
        self._series: dict[str, WindowSeries] = {}
        for windowing, watched in monitor_set.by_windowing().items():
            here = tuple(one for one in watched if not one.monitor.exact)
            if here and windowing.by == "time":
                panes = Panes(windowing, here, monitor_set.contract, monitor_set.task)
                self._series[here[0].monitor.windows] = WindowSeries(panes, store, version, now, writer)

    def add(self, counts: PaneCounts) -> None:
        """Counts that a worker has sent. Raises DataError for those of other monitors."""
        series = self._series.get(counts.windows)
        if series is None:
            raise DataError(f"{self.version} has no monitors that look over {counts.windows} windows")
        series.add(counts)

    def turn(self, now: float) -> bool:
        """Judge the windows that ended before this time and store what has changed; was any judged."""
        new = [series.close(now, serving=self.serving) for series in self._series.values()]
        for series in self._series.values():
            series.save()
        return any(new)

    def looks(self) -> list[Look]:
        """The judged windows, one look for each kind."""
        return [series.look() for series in self._series.values()]

    @property
    def series(self) -> list[WindowSeries]:
        """By kind of window."""
        return list(self._series.values())
