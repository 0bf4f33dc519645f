"""A worker's part in monitoring: the event loop buffers batches, and a thread of its own profiles their rows and sends the counts on, every few seconds.

What is sent is forgotten here, and what the collector has received is in the store soon after: a worker that is killed takes with it at most the rows of the
last `serve.monitor.seconds`, and none is counted twice.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from mlforge.errors import MlforgeError
from mlforge.serving.clock import Clock
from mlforge.serving.datagrams import Outbox
from mlforge.serving.monitors.allowance import Allowance, had_by_the_loop
from mlforge.serving.monitors.lane_monitor import LaneMonitor
from mlforge.serving.monitors.monitor_plan import MonitorPlan

if TYPE_CHECKING:
    from mlforge.serving.batcher import Batch
    from mlforge.serving.lane import Lane

__all__ = ["MonitorAgent"]

log = logging.getLogger(__name__)

_TICK = 0.25  # seconds between two looks at how much came
_ROOM = 50_000  # rows of a version that may wait
_AT_ONCE = 8192  # rows that are counted before it is time to hand over


class MonitorAgent:
    """Buffers batches and profiles them in a thread. Made in the worker, after the fork."""

    def __init__(self, monitor_plan: MonitorPlan, clock: Clock) -> None:
        self._plan, self._clock, self._meters = monitor_plan, clock, monitor_plan.meters
        self._outbox = Outbox(monitor_plan.line)
        self._allowance = Allowance(monitor_plan.settings.share)
        self._noting = 0.0  # seconds that the loop has given to it
        self._monitors: list[LaneMonitor] = []  # of which something came of late
        self._patience = monitor_plan.settings.seconds / 2  # the other half is the collector's
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="mlforge-monitors", daemon=True)
        self._thread.start()

    def observer(self, lane: Lane) -> Callable[[Batch], None] | None:
        """The observer that a lane calls with each batch; None where its version has no monitors."""
        if lane.engine.offer.reference is None:
            return None
        monitor = LaneMonitor(lane)
        buffer, takes = monitor.recorder.buffer, self._allowance.takes

        def offer(batch: Batch) -> None:
            if not batch.rows:
                return
            if not monitor.known:
                monitor.known = True
                self._monitors.append(monitor)
            monitor.came += batch.rows
            if takes() and buffer.rows < _ROOM:
                begun = time.perf_counter()
                buffer.append(batch, lane.role)
                self._noting += time.perf_counter() - begun
            else:
                monitor.passed += batch.rows

        return offer

    def close(self, seconds: float = 10.0) -> None:
        """Send the counts that are there, and stop the thread."""
        self._stop.set()
        self._thread.join(seconds)

    def _work(self) -> None:
        tick = min(_TICK, self._patience / 4)
        had, due = had_by_the_loop(), time.monotonic() + self._patience
        rows, spent, noting = 0, 0.0, self._noting  # since the last time that counts were handed over
        while True:
            last = self._stop.wait(tick)
            begun, now = time.thread_time(), had_by_the_loop()
            self._allowance.came(sum([monitor.fresh(time.time()) for monitor in self._monitors]), now - had)
            had = now
            handing = last or time.monotonic() >= due
            rows += self._guarded(self._count_all if handing else self._count)
            if handing:
                self._guarded(self._hand_over)
            spent += time.thread_time() - begun
            if handing:
                spent += self._noting - noting
                self._allowance.took(rows, spent)
                self._meters.seconds.add(spent)
                rows, spent, noting, due = 0, 0.0, self._noting, time.monotonic() + self._patience
            if last:
                return

    def _guarded(self, work: Callable[[], int]) -> int:
        try:
            return work()
        except Exception:  # a thread that dies would be noticed by nobody
            log.exception("monitors lost rows by an error of their own")
            return 0

    def _count(self) -> int:
        """Profile the buffers that have grown large; how many rows that were."""
        return sum(self._looked(monitor) for monitor in list(self._monitors) if monitor.recorder.buffer.rows >= _AT_ONCE)

    def _count_all(self) -> int:
        """Profile all buffers, and count the rows that were not sampled."""
        rows = 0
        for monitor in list(self._monitors):
            rows += self._looked(monitor)
            if self._opened(monitor):
                self._meters.passed.add(monitor.count())
        return rows

    def _looked(self, monitor: LaneMonitor) -> int:
        rows = monitor.look(self._clock.ahead()) if self._opened(monitor) else 0
        self._meters.rows.add(rows)
        return rows

    def _opened(self, monitor: LaneMonitor) -> bool:
        """Open its monitors; a failure is logged once."""
        if not monitor.tried:
            try:
                monitor.open(self._plan.catalog)
            except MlforgeError as error:
                log.warning("%s is not watched: %s", monitor.lane.engine.offer, error)
        return True

    def _hand_over(self) -> int:
        for monitor in list(self._monitors):
            handed = list(monitor.told())
            if not handed:  # a version that answers no more is forgotten
                self._monitors.remove(monitor)
                monitor.known = False
            for counts in handed:
                try:
                    self._outbox.send(counts.write())
                except OSError as error:
                    self._meters.lost.add(counts.rows)
                    log.warning("counts of %d rows of %s could not be handed over: %s", counts.rows, monitor.lane.engine.offer, error)
        return 0
