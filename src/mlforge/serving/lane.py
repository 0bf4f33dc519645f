"""One opened version, ready for requests: its decoder, batching queue and engine. A batch belongs to one lane, so that versions never mix."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from math import inf

from mlforge.service.limits import Limits
from mlforge.serving.answering import Answering
from mlforge.serving.batcher import Answer, Batch, Batcher
from mlforge.serving.decoder import Decoder
from mlforge.serving.engine import Engine
from mlforge.serving.offer import Offer
from mlforge.serving.pace import Pace
from mlforge.serving.request_rows import RequestRows

__all__ = ["Lane"]


class Lane:
    """The pipeline of one version: decode and validate, batch, run, serialise."""

    def __init__(
        self, engine: Engine, pace: Pace, loop: asyncio.AbstractEventLoop, threads: ThreadPoolExecutor | None = None, limits: Limits | None = None,
        under_way: Callable[[], float] = lambda: inf,
    ) -> None:  # fmt: skip
        self.engine = engine
        self.role = "champion"  # what it is for: champion, canary, shadow or fallback
        self.fallback = ""  # what answers in the place of what was asked for; answers say so
        self.decoder = Decoder(engine, limits)
        self.answering = Answering(engine)
        self.batcher = Batcher(engine.run, self.decoder.columns.of, pace, loop, threads=threads, under_way=under_way)

    @classmethod
    def open(
        cls, offer: Offer, objective: float, threads: int, loop: asyncio.AbstractEventLoop, pool: ThreadPoolExecutor | None = None,
        limits: Limits | None = None, under_way: Callable[[], float] = lambda: inf,
    ) -> Lane:  # fmt: skip
        """Open and warm a version; may be called in a thread. Raises DataError when its bundle is damaged."""
        engine = Engine.open(offer, threads)
        return cls(engine, Pace(objective, engine.warm()), loop, pool, limits, under_way)

    @property
    def observers(self) -> list[Callable[[Batch], None]]:
        """Called with each batch, after its answers were given."""
        return self.batcher.observers

    def ask(self, load: RequestRows, ident: str, deadline: float) -> asyncio.Future[Answer]:
        """The answer for the good rows of a request. Raises Refused when it would come too late."""
        return self.batcher.ask(load, ident, deadline)
