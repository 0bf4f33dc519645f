"""A worker's part in monitoring: batches are put aside at once, and a thread of its own counts them and hands the counts on, every few seconds.

What is handed over is gone from here, and what the warden has taken is in the store's counts soon after, so that a worker that is killed takes with it at most
the rows of the last `serve.monitor.seconds`, and none is counted twice.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from mlforge.errors import MlforgeError
from mlforge.serving.clock import Clock
from mlforge.serving.watch.allowance import Allowance
from mlforge.serving.watch.outfit import Outfit
from mlforge.serving.watch.parcels import Outbox
from mlforge.serving.watch.sources import Source

if TYPE_CHECKING:
    from mlforge.serving.batcher import Batch
    from mlforge.serving.lane import Lane

__all__ = ["Lookout"]

log = logging.getLogger(__name__)

_TICK = 0.25  # seconds between two looks at what was put aside
_ROOM = 200_000  # rows that may wait
_PORTION = 2048  # batches that become rows at a time
_Aside = deque[tuple[Source, str, "Batch"]]


class Lookout:
    """Takes batches, and sees that they are counted. Made in the worker, after the fork."""

    def __init__(self, outfit: Outfit, clock: Clock) -> None:
        self._outfit, self._clock, self._meters = outfit, clock, outfit.meters
        self._outbox = Outbox(outfit.outlet)
        self._allowance = Allowance(outfit.settings.share)
        self._looked: _Aside = deque()
        self._passed: _Aside = deque()
        self._came = self._taken = 0  # rows; the loop writes the one, the thread the other
        self._sources: list[Source] = []
        self._patience = outfit.settings.seconds / 2  # the other half is the warden's
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="mlforge-lookout", daemon=True)
        self._thread.start()

    def observer(self, lane: Lane) -> Callable[[Batch], None] | None:
        """What a lane is to call with each batch; None where its version has no monitors."""
        if lane.engine.offer.reference is None:
            return None
        source = Source(lane)
        looked, passed, takes, lost = self._looked, self._passed, self._allowance.takes, self._meters.lost

        def offer(batch: Batch) -> None:
            if not batch.columns:
                return
            rows = len(batch.columns[0])
            if self._came - self._taken > _ROOM:
                lost.add(rows)
                return
            self._came += rows
            (looked if takes() else passed).append((source, lane.role, batch))

        return offer

    def close(self, seconds: float = 10.0) -> None:
        """Hand over what is there, and stop."""
        self._stop.set()
        self._thread.join(seconds)

    def _work(self) -> None:
        tick = min(_TICK, self._patience / 4)
        seen, due = time.monotonic(), time.monotonic() + self._patience
        rows, spent = 0, 0.0  # since the last time that counts were handed over
        while True:
            last = self._stop.wait(tick)
            begun, before = time.thread_time(), self._taken
            rows += self._guarded(self._take_up)
            now = time.monotonic()
            self._allowance.came(self._taken - before, now - seen)
            seen = now
            handing = last or now >= due
            if handing:
                self._guarded(self._hand_over)
            spent += time.thread_time() - begun
            if handing:
                self._allowance.took(rows, spent)
                self._meters.seconds.add(spent)
                rows, spent, due = 0, 0.0, now + self._patience
            if last:
                return

    def _guarded(self, work: Callable[[], int]) -> int:
        try:
            return work()
        except Exception:  # a thread that dies would be noticed by nobody
            log.exception("monitors lost rows by an error of their own")
            return 0

    def _take_up(self) -> int:
        """What was put aside becomes rows; how many were looked at."""
        ahead, before = self._clock.ahead(), self._meters.rows.here()
        for aside, total, act in ((self._looked, self._meters.rows, Source.look), (self._passed, self._meters.passed, Source.count)):
            while aside:
                portion = [aside.popleft() for _ in range(min(_PORTION, len(aside)))]
                rows = sum(len(batch.columns[0]) for *_, batch in portion)
                self._taken += rows
                for source in {id(one[0]): one[0] for one in portion}.values():
                    self._entered(source, act, [(role, batch) for of, role, batch in portion if of is source], ahead)
                total.add(rows)
        return round(self._meters.rows.here() - before)

    def _entered(self, source: Source, act: Callable[..., None], entries: Sequence[tuple[str, Batch]], ahead: float) -> None:
        if source not in self._sources:
            self._sources.append(source)
        if not source.tried:
            try:
                source.open(self._outfit.catalog)
            except MlforgeError as error:
                log.warning("%s is not watched: %s", source.lane.engine.offer, error)
        act(source, entries, ahead)

    def _hand_over(self) -> int:
        for source in self._sources:
            for sighting in source.told():
                try:
                    self._outbox.send(sighting.write())
                except OSError as error:
                    self._meters.lost.add(sighting.rows)
                    log.warning("counts of %d rows of %s could not be handed over: %s", sighting.rows, source.lane.engine.offer, error)
        self._sources.clear()  # those of versions that answer no more are forgotten
        return 0
