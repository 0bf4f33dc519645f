"""The HTTP layer of one worker: granian's, on a socket that the supervisor has opened and all workers share."""

from __future__ import annotations

import asyncio
from typing import Any

from mlforge.service.serve import Serve
from mlforge.serving.access.listening import granian_options

__all__ = ["Listening"]


class Listening:
    """Accepts connections on a socket and calls the application with each request, in this process's loop."""

    def __init__(self, app: Any, socket: int, settings: Serve, loop: asyncio.AbstractEventLoop) -> None:
        """`socket` is the file descriptor of one that listens; `app` is called as RSGI says."""
        from granian import _granian
        from granian._futures import _future_watcher_wrapper, _new_cbscheduler
        from granian.constants import TaskImpl
        from granian.server.embed import Server

        rust: Any = _granian
        options = granian_options(settings.access, settings.limits)
        known = Server(app, log_enabled=False, **options)  # what granian makes of the options; it is not started
        self._signal = rust.WorkerSignal()
        self._over = loop.create_future()
        self._signal.add_cb(lambda: loop.call_soon_threadsafe(self._ended))
        worker = rust.RSGIWorker(
            1, (None, rust.SocketHolder(socket, False, 1024)), None, known.runtime_threads, known.runtime_blocking_threads, known.blocking_threads,
            known.blocking_threads_idle_timeout, known.backpressure, known.http, known.http1_settings, known.http2_settings, known.websockets, None,
            *known.ssl_ctx, (None, None),
        )  # fmt: skip
        scheduler = _new_cbscheduler(loop, _future_watcher_wrapper(app), impl_asyncio=known.task_impl == TaskImpl.asyncio)
        worker.serve_str(scheduler, loop, self._signal)
        self._worker = worker

    def _ended(self) -> None:
        if not self._over.done():
            self._over.set_result(None)

    def stop(self) -> None:
        """Accept nothing more; what is under way is still answered."""
        self._signal.set()

    async def stopped(self) -> None:
        """Returns when `stop` was called."""
        await self._over
