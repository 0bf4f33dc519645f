"""Profiles one version's answered rows in a worker: batches become rows, and rows become counts by pane."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from mlforge.serving.monitors.pane_counts import PaneCounts
from mlforge.serving.request_log.recorder import RowRecorder
from mlforge.window import TIME

if TYPE_CHECKING:
    from mlforge.monitoring.panes import Panes
    from mlforge.plugins import Catalog
    from mlforge.serving.lane import Lane

__all__ = ["LaneMonitor"]


class LaneMonitor:
    """Opened at the first batch, in the thread that profiles it."""

    def __init__(self, lane: Lane) -> None:
        assert lane.engine.offer.reference is not None
        self.lane, self._offer, self._reference = lane, lane.engine.offer, lane.engine.offer.reference
        self.known = False  # to the thread that counts
        self.tried = False  # was it opened, or could it not be
        self._whole: list[Panes] = []  # for rows that are looked at
        self._counted: list[Panes] = []  # for those that are only counted
        self.recorder = RowRecorder(lane.engine)  # that are looked at
        self.came = self.passed = 0  # rows, and those of them that were passed over, as the loop counts them
        self._came = self._passed = 0  # those of them that this thread knows of
        self._when: list[tuple[float, int]] = []  # by time of day: rows that were passed over until then

    def open(self, catalog: Catalog) -> None:
        """Make the monitors. MlforgeError when a plugin of theirs is gone."""
        from mlforge.monitoring.intake import Intake
        from mlforge.monitoring.monitor_set import MonitorSet
        from mlforge.monitoring.panes import Panes
        from mlforge.reference import Reference

        self.tried = True
        monitor_set = MonitorSet.open(Reference(Path(self._reference)), catalog)
        predictor = self.lane.engine.predictor
        self._intake = Intake(predictor, monitor_set.contract)
        for windowing, watched in monitor_set.by_windowing().items():
            here = tuple(one for one in watched if not one.monitor.exact)
            if here and windowing.by == "time":
                counting = tuple(one for one in here if one.monitor.counts)
                self._whole.append(Panes(windowing, here, monitor_set.contract, monitor_set.task, predictor))
                self._counted += [Panes(windowing, counting, monitor_set.contract, monitor_set.task, predictor)] if counting else []

    def look(self, ahead: float) -> int:
        """Profile the rows that were buffered since the last call, typed as in the request log; how many there were."""
        rows = 0
        for chunk in self.recorder.buffer.take():
            frame = self.recorder.recorded(chunk, ahead).frame()
            rows += frame.height
            if self._whole:
                live = self._intake.live(frame)
                for panes in self._whole:
                    panes.add(live)
        return rows

    def fresh(self, now: float) -> int:
        """How many rows arrived since the last call; those that were not sampled are dated to this time."""
        came, passed = self.came, self.passed
        if passed > self._passed:
            self._when.append((now, passed - self._passed))
        fresh, self._came, self._passed = came - self._came, came, passed
        return fresh

    def count(self) -> int:
        """Count the rows that were not sampled since the last call; how many there were."""
        from mlforge.monitoring.intake import Live

        when, self._when = self._when, []
        rows = sum(count for _, count in when)
        if not self._counted or not rows:
            return rows
        import numpy as np
        import polars as pl

        moments = np.array([round(now * 1e6) for now, _ in when]).astype("datetime64[us]")
        came = pl.DataFrame({TIME: pl.Series(np.repeat(moments, [count for _, count in when]))})
        live = Live(came, None, pl.repeat(None, rows, dtype=pl.String, eager=True).alias("reason"))
        for panes in self._counted:
            panes.add(live)
        return rows

    def told(self) -> Iterator[PaneCounts]:
        """The counts since the last call, pane by pane; they are cleared."""
        for panes in self._counted:
            for seen in panes.seen.values():
                seen.rows = 0  # of those that were looked at, none
        for panes in (*self._whole, *self._counted):
            for at in sorted(panes.seen):
                yield PaneCounts.of(self._offer.model, self._offer.version, str(self._reference), panes, at)
            panes.seen.clear()
