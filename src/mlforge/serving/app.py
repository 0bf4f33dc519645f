"""The application of one worker: dispatches granian's requests to endpoints."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from mlforge.serving.access.key_check import key_check
from mlforge.serving.context import WorkerContext
from mlforge.serving.endpoints import explain, feedback, health, metrics, models, openapi, predict
from mlforge.serving.http import Refused, Request, Response, nameable, problem
from mlforge.serving.in_flight import InFlight
from mlforge.serving.pressure import Pressure
from mlforge.serving.routes import Route, Routes
from mlforge.serving.v2 import endpoints as v2

__all__ = ["ENDPOINTS", "App"]

log = logging.getLogger(__name__)

ENDPOINTS = (predict, explain, feedback, models, health, metrics, openapi, v2)
_NONE: Mapping[str, str] = {}


class App:
    """Routes a request, lets `before` refuse it, and always sends a response."""

    def __init__(self, context: WorkerContext, in_flight: InFlight | None = None) -> None:
        """`in_flight` is where the worker's heir looks, if it has one."""
        self._context = context
        self._in_flight = in_flight or InFlight(0)
        self.routes = Routes(route for module in ENDPOINTS for route in module.routes(context))
        check = key_check(context.settings.access)
        self.before: list[Callable[[Request, Route], Response | None]] = [] if check is None else [check]
        self._read = context.bodies.read
        self._answered = context.figures.answered
        self._under_way = context.figures.under_way
        self._pressure = Pressure(context.settings.slo.p99_ms / 1000, context.in_hand, context.loop, self._beat)

    async def __call__(self, scope: Any, protocol: Any) -> None:
        """RSGI: one request."""
        begun = time.perf_counter()
        if scope.proto != "http":
            protocol.close(404)
            return
        self._under_way.add()
        client = scope.client
        place = self._in_flight.enter(client)
        name = "other"
        request = Request(scope, _NONE, partial(self._read, protocol, scope.headers))
        given = request.headers.get("x-request-id")
        request.id = given if given and nameable(given) and given.isascii() and " " not in given else self._context.ident()
        try:
            route, request.params = self.routes.find(scope.method, scope.path)
            name = route.name or name
            if route.scope == "predict":
                self._pressure.admit()
            response = self._refused(request, route) or await route.endpoint(request)
        except Refused as refused:
            response = refused.response()
        except (asyncio.CancelledError, GeneratorExit, KeyboardInterrupt, SystemExit):
            raise
        except BaseException:  # a panic of Polars is no Exception
            log.exception("request %s failed", request.id)
            response = problem(500, f"an error of the server; its log has it under {request.id}")
        finally:
            self._under_way.add(-1.0)
            self._in_flight.leave(place)
        self._in_flight.answering(client, len(response.body))
        protocol.response_bytes(response.status, [*response.headers, ("x-request-id", request.id)], response.body)
        self._answered(name, response.status, time.perf_counter() - begun)

    def _beat(self) -> None:
        self._in_flight.beat()
        self._context.roster.beat(self._context.worker)

    async def drained(self, seconds: float) -> None:
        """Return when every request under way is answered, or after so long."""
        until = time.monotonic() + seconds
        while self._under_way.here() > 0 and time.monotonic() < until:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)  # for the last bytes to leave

    def _refused(self, request: Request, route: Route) -> Response | None:
        for guard in self.before:
            if (response := guard(request, route)) is not None:
                return response
        return None
