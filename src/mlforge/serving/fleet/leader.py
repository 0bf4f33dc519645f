"""The leading command: it starts replicas by Ray Serve, publishes assignments through the coordinator, and removes all of it when it ends."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from mlforge.components import Fleet
from mlforge.errors import MissingRequirement, RecipeError, RunFailed
from mlforge.service.serve import Serve
from mlforge.serving.fleet.client import CoordinatorClient
from mlforge.serving.fleet.following import Following
from mlforge.serving.fleet.ray_serve import begin, deploy, end
from mlforge.serving.fleet.replica_config import ReplicaConfig
from mlforge.serving.offer import Offer

if TYPE_CHECKING:
    from mlforge.store import Store

__all__ = ["Leader"]

log = logging.getLogger(__name__)

_TURN = 0.25  # seconds between looks at the store
_READY = 30.0  # seconds in which replicas that run must have come by at the coordinator
_QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0", "RAY_SCHEDULER_EVENTS": "0"}
_QUIET |= {"RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S": "30"}  # a machine under load starts a process slowly


class Leader:
    """One server of replicas."""

    def __init__(self, fleet: Fleet, settings: Serve, offers: Sequence[Offer], store: Store | None) -> None:
        """Raises RecipeError for what is asked for and does not go with Ray Serve."""
        tls = settings.access.tls
        for name, asked in (("serve.grpc_port", settings.grpc_port is not None), ("serve.access.tls.clients", tls is not None and tls.clients is not None)):
            if asked:
                raise RecipeError(f"{name}: there is no such thing under Ray Serve", hint="Leave it out, or serve without cluster=ray.")
        self._fleet, self._settings, self._offers, self._store = fleet, settings, tuple(offers), store
        self._coordinator = CoordinatorClient(offers, settings.access.keys)
        self._stop = threading.Event()

    def run(self, ready: Callable[[str], None]) -> None:
        """Serve until SIGTERM or Ctrl-C; `ready` is called with the URL as soon as there are answers. Raises MlforgeError when it does not come to that."""
        from ray.exceptions import RayError

        with _signals(), self._connected():
            self._fits()
            self._coordinator.open()  # whoever leads already is left alone, with all that it has started
            following, ours = Following(self._store, self._offers), False
            try:
                self._coordinator.tell(following.assignments)
                ours, url = begin(self._settings)
                deploy(self._config(), self._fleet, self._meanwhile)
                self._wait()
                ready(url)
                self._lead(following)
            except _Stopped:
                pass
            except RayError as error:  # a node is lost, or Ray's own processes are
                raise RunFailed(f"Ray has failed: {' '.join(str(error).split())[:300]}", hint="Its logs lie in /tmp/ray/session_latest/logs.") from error
            finally:
                following.close()
                end(ours)
                with suppress(Exception):  # it is gone already
                    self._coordinator.close()

    def _config(self) -> ReplicaConfig:
        import mlforge

        threads = self._settings.threads or max(1, int(self._fleet.each.get("CPU", 1.0)))
        return ReplicaConfig(mlforge.__version__, self._offers, self._settings, self._fleet.replicas, threads)

    def _meanwhile(self, seconds: float = 0.0) -> None:
        if self._stop.is_set():
            raise _Stopped
        self._coordinator.alive()

    def _wait(self) -> None:
        """Wait until the replicas have reported to the coordinator and know of each other: only then does each of them report ready."""
        deadline = time.monotonic() + _READY
        while self._coordinator.settled() < self._fleet.replicas and time.monotonic() < deadline:
            self._meanwhile()
            time.sleep(0.05)

    def _lead(self, following: Following) -> None:
        keys = self._coordinator.keys()
        while not self._stop.wait(_TURN):
            try:
                moved, was, keys = following.moved(), keys, self._coordinator.keys()
                if moved or was != keys or not self._coordinator.alive():
                    self._coordinator.tell(following.assignments)
            except Exception as error:  # the coordinator is gone, and with it all that it knew
                log.warning("the coordinator is gone, another takes its place: %s", " ".join(str(error).split())[:200])
                with suppress(Exception):  # the next turn tries again
                    self._coordinator.open()
                    self._coordinator.tell(following.assignments)

    def _fits(self) -> None:
        """Raises MissingRequirement when the cluster has no room for the replicas."""
        import ray

        there, replicas = ray.cluster_resources(), self._fleet.replicas
        for name, amount in self._fleet.each.items():
            has = there.get(name, 0.0)
            if amount * replicas > has:
                hint = f"Try cluster.workers={int(has // amount)}." if has >= amount else ""
                raise MissingRequirement(f"cluster: {replicas} replicas with {amount:g} {name} each, and there are {has:g}", hint=hint)

    @contextmanager
    def _connected(self) -> Iterator[None]:
        import ray

        from mlforge.ray_here import join, start

        for name, value in _QUIET.items():
            os.environ.setdefault(name, value)
        if self._fleet.address is None:
            start(-int(-self._fleet.each.get("CPU", 1.0) * (self._fleet.most or self._fleet.replicas) // 1))
        else:
            join("cluster.address", self._fleet.address)
        try:
            _listen(self._stop)  # Ray has put its own handlers in their place
            yield
        finally:
            ray.shutdown()


class _Stopped(Exception):
    """It was told to stop before it had begun."""


@contextmanager
def _signals() -> Iterator[None]:
    """Around all of it: SIGTERM ends what comes before there is a server as Ctrl-C does."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _listen(stop: threading.Event) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
