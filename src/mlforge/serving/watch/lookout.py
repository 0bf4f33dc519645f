"""A worker's part in monitoring: batches are put aside at once, and a thread of its own counts them and hands the counts on, every few seconds.

What is handed over is gone from here, and what the warden has taken is in the store's counts soon after, so that a worker that is killed takes with it at most
the rows of the last `serve.monitor.seconds`, and none is counted twice.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from mlforge.errors import MlforgeError
from mlforge.serving.clock import Clock
from mlforge.serving.watch.allowance import Allowance, had_by_the_loop
from mlforge.serving.watch.outfit import Outfit
from mlforge.serving.watch.parcels import Outbox
from mlforge.serving.watch.sources import Source

if TYPE_CHECKING:
    from mlforge.serving.batcher import Batch
    from mlforge.serving.lane import Lane

__all__ = ["Lookout"]

log = logging.getLogger(__name__)

_TICK = 0.25  # seconds between two looks at what was put aside
_ROOM = 50_000  # rows that may wait
_PORTION = 2048  # batches that become rows at a time


class Lookout:
    """Takes batches, and sees that they are counted. Made in the worker, after the fork."""

    def __init__(self, outfit: Outfit, clock: Clock) -> None:
        self._outfit, self._clock, self._meters = outfit, clock, outfit.meters
        self._outbox = Outbox(outfit.outlet)
        self._allowance = Allowance(outfit.settings.share)
        self._aside: deque[tuple[Source, str, Batch]] = deque()
        self._came = self._taken = 0  # rows that are put aside; the loop writes the one, the thread the other
        self._passed = 0
        self._sources: list[Source] = []  # of which something came of late
        self._patience = outfit.settings.seconds / 2  # the other half is the warden's
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="mlforge-lookout", daemon=True)
        self._thread.start()

    def observer(self, lane: Lane) -> Callable[[Batch], None] | None:
        """What a lane is to call with each batch; None where its version has no monitors."""
        if lane.engine.offer.reference is None:
            return None
        source = Source(lane)
        aside, takes = self._aside, self._allowance.takes

        def offer(batch: Batch) -> None:
            if not batch.columns:
                return
            rows = len(batch.columns[0])
            if not source.known:
                source.known = True
                self._sources.append(source)
            if not takes() or self._came - self._taken > _ROOM:
                source.passed += rows
            else:
                self._came += rows
                aside.append((source, lane.role, batch))

        return offer

    def close(self, seconds: float = 10.0) -> None:
        """Hand over what is there, and stop."""
        self._stop.set()
        self._thread.join(seconds)

    def _work(self) -> None:
        tick = min(_TICK, self._patience / 4)
        had, due = had_by_the_loop(), time.monotonic() + self._patience
        rows, spent = 0, 0.0  # since the last time that counts were handed over
        while True:
            last = self._stop.wait(tick)
            begun, before = time.thread_time(), self._taken + self._passed
            rows += self._guarded(self._take_up)
            now = had_by_the_loop()
            self._allowance.came(self._taken + self._passed - before, now - had)
            had = now
            handing = last or time.monotonic() >= due
            if handing:
                self._guarded(self._hand_over)
            spent += time.thread_time() - begun
            if handing:
                self._allowance.took(rows, spent)
                self._meters.seconds.add(spent)
                rows, spent, due = 0, 0.0, time.monotonic() + self._patience
            if last:
                return

    def _guarded(self, work: Callable[[], int]) -> int:
        try:
            return work()
        except Exception:  # a thread that dies would be noticed by nobody
            log.exception("monitors lost rows by an error of their own")
            return 0

    def _take_up(self) -> int:
        """What was put aside becomes rows; how many."""
        before = self._taken
        while self._aside:
            portion = [self._aside.popleft() for _ in range(min(_PORTION, len(self._aside)))]
            rows = sum(len(batch.columns[0]) for *_, batch in portion)
            self._taken += rows
            for source in {id(one[0]): one[0] for one in portion}.values():
                if self._opened(source):
                    source.look([(role, batch) for of, role, batch in portion if of is source], self._clock.ahead())
            self._meters.rows.add(rows)
        for source in list(self._sources):
            if source.passed and self._opened(source):
                rows = source.count(time.time())
                self._passed += rows
                self._meters.passed.add(rows)
        return self._taken - before

    def _opened(self, source: Source) -> bool:
        """Its monitors are there; that they are not is told once."""
        if not source.tried:
            try:
                source.open(self._outfit.catalog)
            except MlforgeError as error:
                log.warning("%s is not watched: %s", source.lane.engine.offer, error)
        return True

    def _hand_over(self) -> int:
        for source in list(self._sources):
            sightings = list(source.told())
            if not sightings:  # a version that answers no more is forgotten
                self._sources.remove(source)
                source.known = False
            for sighting in sightings:
                try:
                    self._outbox.send(sighting.write())
                except OSError as error:
                    self._meters.lost.add(sighting.rows)
                    log.warning("counts of %d rows of %s could not be handed over: %s", sighting.rows, source.lane.engine.offer, error)
        return 0
