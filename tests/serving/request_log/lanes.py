"""A real lane to log from: a bundle that is opened in this process, asked through its decoder."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from mlforge.service.request_log import LogSettings
from mlforge.serving.batcher import Batch
from mlforge.serving.engine import Engine
from mlforge.serving.lane import Lane
from mlforge.serving.ledger import Ledger
from mlforge.serving.offer import Offer
from mlforge.serving.pace import Pace
from mlforge.serving.request_log.channel import Channel
from mlforge.serving.request_log.request_log import RequestLog
from mlforge.serving.request_log.writer import WriterThread

__all__ = ["LogAndWriter", "answered", "fill"]


class LogAndWriter(RequestLog):
    """A worker's request log with its writer beside it, in this process."""

    def __init__(self, settings: LogSettings, ledger: Ledger) -> None:
        channel = Channel.of(settings, 1, ledger)
        assert channel is not None
        self._channel, self._writer = channel, WriterThread(channel)
        super().__init__(channel, 0)

    def close(self, seconds: float = 10.0) -> None:
        super().close(seconds)
        assert self._writer.end(seconds)
        self._channel.line.close()


def answered(folder: Path, requests: list[tuple[str, list[dict[str, Any]]]], watch: Callable[[Lane], Callable[[Batch], None]], *, version: int = 4) -> Lane:
    """Ask a bundle, all requests at once; `watch` makes the lane's observer."""

    async def ask() -> Lane:
        import orjson

        loop = asyncio.get_running_loop()
        lane = Lane(Engine.open(Offer("people", version, "d", folder), 1), Pace(600.0, 0.001), loop)
        lane.observers.append(watch(lane))
        waiting = [lane.ask(lane.decoder.json(orjson.dumps(rows)).load, ident, time.perf_counter() + 30) for ident, rows in requests]
        await asyncio.gather(*waiting)
        return lane

    return asyncio.run(ask())


def fill(file: Path) -> None:
    """Make a file as large as the disk lets it be."""
    with suppress(OSError), file.open("wb", buffering=0) as hog:
        while hog.write(b"x" * 4096):
            pass
