"""One worker: a process that opens the models and answers requests until it is told to stop."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import signal
import socket
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from mlforge.serving.heir import appointed
from mlforge.serving.in_flight import InFlight
from mlforge.serving.plan import Plan
from mlforge.serving.roster import State

if TYPE_CHECKING:
    from mlforge.serving.context import WorkerContext
    from mlforge.serving.grpc.listening import GrpcListening

__all__ = ["work"]

log = logging.getLogger(__name__)

_HELD = 0.0005  # seconds that a thread may hold the interpreter while the loop waits for it


def work(plan: Plan, worker: int, listener: int, supervisor: socket.socket, in_flight: InFlight | None = None) -> None:
    """Be worker number `worker` until SIGTERM, or until the supervisor is gone. Raises MlforgeError when a model cannot be opened.

    `in_flight` is that of an heir who is there already.
    """
    import uvloop

    plan.ledger.take(worker)
    if in_flight is None:
        in_flight = InFlight(plan.settings.limits.connections)
        if plan.settings.access.tls is None:
            plan.roster.appoint(worker, appointed(listener, in_flight, plan.figures.lost))
    in_flight.beat()
    _be_patient()
    sys.setswitchinterval(_HELD)
    loop = uvloop.new_event_loop()
    asyncio.set_event_loop(loop)
    loop.run_until_complete(_work(plan, worker, listener, supervisor, in_flight, loop))


def _be_patient() -> None:
    """Have none of this process's threads stop another by waking up.

    The HTTP layer's thread and the loop's wake each other several times a request, mostly while they hold the interpreter, which the other then waits for.
    Where they share a core, that is ten changes of thread a request. With this policy, a thread has its turn when the one that woke it has come to rest; its
    share of the processor stays the same.
    """
    if hasattr(os, "SCHED_BATCH"):
        with suppress(OSError):  # a sandbox may forbid it
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


async def _work(plan: Plan, worker: int, listener: int, supervisor: socket.socket, in_flight: InFlight, loop: asyncio.AbstractEventLoop) -> None:
    from mlforge.serving.app import App
    from mlforge.serving.context import WorkerContext
    from mlforge.serving.listening import Listening
    from mlforge.serving.rollout.agent import attend

    context = WorkerContext(plan, worker, loop)
    app = App(context, in_flight)
    over = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, over.set)
    hearing = loop.create_task(_hear(context, supervisor, over))
    await attend(context)
    listening = Listening(app, listener, plan.settings, loop)
    grpc = await _grpc(context) if plan.settings.grpc_port is not None else None
    gc.collect()
    gc.freeze()  # what is there now stays: it need not be looked at again, and its memory stays shared with the other workers
    plan.roster.set(worker, State.READY, os.getpid())
    await over.wait()
    plan.roster.set(worker, State.DRAINING)
    listening.stop()
    await asyncio.gather(app.drained(plan.settings.drain), *(() if grpc is None else (grpc.stop(plan.settings.drain),)))
    hearing.cancel()
    context.close()


async def _grpc(context: WorkerContext) -> GrpcListening:
    from mlforge.serving.grpc.listening import GrpcListening

    return await GrpcListening.start(context)


async def _hear(context: object, supervisor: socket.socket, over: asyncio.Event) -> None:
    """Dispatch the supervisor's messages, one JSON document a line. When it is gone, nobody would restart or stop this worker, so it ends."""
    from mlforge.serving.context import WorkerContext

    assert isinstance(context, WorkerContext)
    reader, _ = await asyncio.open_connection(sock=supervisor, limit=2**24)
    while line := await reader.readline():
        kind, message = json.loads(line)
        try:
            context.heard(kind, message)
        except Exception:
            log.exception("a message of the supervisor could not be used: %s", kind)
    over.set()
