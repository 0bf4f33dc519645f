"""The state of a worker that its endpoints share."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from mlforge.serving.access.body import BodyReader
from mlforge.serving.batcher import Batch
from mlforge.serving.clock import Clock
from mlforge.serving.lane import Lane
from mlforge.serving.monitors.agent import MonitorAgent
from mlforge.serving.offer import Offer
from mlforge.serving.plan import Plan
from mlforge.serving.request_log.request_log import RequestLog
from mlforge.serving.served import Models, Served

__all__ = ["WorkerContext"]


class WorkerContext:
    """One worker's models, metrics and settings. `on` subscribes to the supervisor's messages."""

    def __init__(self, plan: Plan, worker: int, loop: asyncio.AbstractEventLoop) -> None:
        self.plan, self.worker, self.loop = plan, worker, loop
        self.settings, self.ledger, self.roster, self.figures = plan.settings, plan.ledger, plan.roster, plan.figures
        self.threads = ThreadPoolExecutor(max_workers=max(2, plan.threads), thread_name_prefix="mlforge")
        self.bodies = BodyReader(plan.settings.limits)
        clock = Clock()
        self.request_log = RequestLog(plan.channel, worker, clock) if plan.channel is not None else None
        self.monitor_agent = MonitorAgent(plan.monitor_plan, clock) if plan.monitor_plan is not None else None
        self.models = Models(Served(offer.model, self.lane(offer)) for offer in plan.offers)
        self._prefix = f"{os.getpid():x}{int.from_bytes(os.urandom(4)):08x}"
        self._count = 0
        self._hearers: dict[str, Callable[[Any], None]] = {}

    def lane(self, offer: Offer) -> Lane:
        """Open a version; may be called in a thread. Raises DataError when its bundle is damaged."""
        objective = self.settings.slo.p99_ms / 1000
        lane = Lane.open(offer, objective, self.plan.threads, self.loop, self.threads, self.settings.limits, self.in_hand)
        lane.observers.append(self._counted)
        if self.request_log is not None:
            lane.observers.append(self.request_log.observer(lane))
        if self.monitor_agent is not None and (observer := self.monitor_agent.observer(lane)) is not None:
            lane.observers.append(observer)
        return lane

    def in_hand(self) -> float:
        """Requests that have begun and have no answer yet, but for those whose bodies do not come: nobody waits for a stranger who is slow."""
        return self.figures.under_way.here() - self.bodies.slow

    def _counted(self, batch: Batch) -> None:
        self.figures.batches.add()
        self.figures.batched.add(len(batch.asks))
        self.figures.rows.add(batch.rows)

    def ident(self) -> str:
        """A unique id for a request that brought none."""
        self._count += 1
        return f"{self._prefix}-{self._count:x}"

    def on(self, kind: str, hear: Callable[[Any], None]) -> None:
        """Subscribe to one kind of the supervisor's messages; `hear` is called in the event loop."""
        self._hearers[kind] = hear

    def heard(self, kind: str, message: Any) -> None:
        """Dispatch a message of the supervisor."""
        if (hear := self._hearers.get(kind)) is not None:
            hear(message)

    def close(self) -> None:
        """Stop the threads, after they have written what is buffered."""
        if self.request_log is not None:
            self.request_log.close()
        if self.monitor_agent is not None:
            self.monitor_agent.close()
        self.threads.shutdown(wait=False, cancel_futures=True)
