"""The deployment on Ray Serve: where to listen, how many replicas to keep, and their resources."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from mlforge.components import Fleet
from mlforge.errors import RunFailed
from mlforge.service.serve import Serve
from mlforge.serving.fleet.replica_config import APPLICATION, ReplicaConfig

__all__ = ["begin", "deploy", "end"]

_TURN = 0.25  # seconds between looks at whether the replicas are there
_PROXIES = 60.0  # seconds in which a proxy must listen
_ATTEMPTS = 2  # of each replica, to open the models
_LOGS = "Its logs lie in /tmp/ray/session_latest/logs/serve on the machines of the cluster."


def begin(settings: Serve) -> tuple[bool, str]:
    """Start Ray Serve, unless the cluster has one; that keeps the address it has. True when it was started, and the URL.

    Raises RunFailed when nothing of it listens after a while.
    """
    from ray import serve
    from ray.exceptions import RayError
    from ray.serve.context import _get_global_client

    logging.getLogger("ray.serve").setLevel(logging.WARNING)
    there = _get_global_client(raise_if_no_controller_running=False)
    if there is None:
        tls = settings.access.tls
        secured = {"ssl_certfile": tls.certificate, "ssl_keyfile": tls.key} if tls else {}
        where = {"host": settings.host, "port": settings.port or _free(settings.host), **secured}
        with suppress(RayError):  # a proxy that took too long is replaced by another, which is waited for
            serve.start(proxy_location="EveryNode", http_options=where, logging_config={"log_level": "WARNING", "enable_access_log": False})
    _wait_for_proxies()
    options = (there or _get_global_client()).http_config
    host = f"[{options.host}]" if ":" in str(options.host) else options.host
    return there is None, f"{'https' if getattr(options, 'ssl_certfile', None) else 'http'}://{host}:{options.port}"


def _wait_for_proxies() -> None:
    from ray import serve

    deadline = time.monotonic() + _PROXIES
    while "HEALTHY" not in (states := {str(getattr(one, "value", one)) for one in serve.status().proxies.values()}):
        if time.monotonic() > deadline:
            raise RunFailed(f"no proxy of Ray Serve has come up within {_PROXIES:g} s: {', '.join(sorted(states)) or 'there is none'}", hint=_LOGS)
        time.sleep(_TURN)


def deploy(config: ReplicaConfig, fleet: Fleet, turn: Callable[[float], None]) -> None:
    """Have the replicas started, and return when they answer; `turn` is called meanwhile with the seconds that it took so far.

    Raises RunFailed when they cannot be started. What `turn` raises goes through.
    """
    failed: list[BaseException] = []

    def run() -> None:
        from ray import serve

        try:
            serve.run(_deployment(config, fleet).bind(config), name=APPLICATION, route_prefix="/")
        except BaseException as error:  # carried over
            failed.append(error)

    thread = threading.Thread(target=run, name="ray-serve", daemon=True)
    thread.start()
    seconds = 0.0
    while thread.is_alive():
        thread.join(_TURN)
        seconds += _TURN
        if seconds > fleet.patience:
            raise RunFailed(f"the replicas were not there within {fleet.patience:g} s: {_why('')}", hint="Ask for fewer, or give them cluster.patience.")
        turn(seconds)
    if failed:
        raise RunFailed(f"Ray Serve could not start the replicas: {_why(str(failed[0]))}", hint=_LOGS)


def _deployment(config: ReplicaConfig, fleet: Fleet) -> Any:
    from ray import serve

    from mlforge.serving.fleet.replica import Replica

    settings = config.settings
    handed = {name: value for name, value in os.environ.items() if name.startswith("MLFORGE_")}
    handed |= {"OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": str(config.threads)}
    given = {name: amount for name, amount in fleet.each.items() if name not in ("CPU", "GPU")}
    return serve.deployment(
        Replica,
        name="server",
        **_size(fleet, settings),
        ray_actor_options={
            "num_cpus": fleet.each.get("CPU", 0.0),
            "num_gpus": fleet.each.get("GPU", 0.0),
            "resources": given,
            "runtime_env": {"env_vars": handed},
        },
        max_ongoing_requests=settings.limits.connections,  # a replica sheds load by itself, when it would answer too late
        max_constructor_retry_count=_ATTEMPTS * fleet.replicas,
        graceful_shutdown_timeout_s=settings.drain + 1.0,
        graceful_shutdown_wait_loop_s=0.2,
        health_check_period_s=min(5.0, settings.stuck),
        health_check_timeout_s=settings.stuck,
    )


def _size(fleet: Fleet, settings: Serve) -> dict[str, Any]:
    """How many there are."""
    scaling = settings.scaling
    alone = {"max_replicas_per_node": 1} if fleet.alone else {}
    if fleet.most is None:
        return {"num_replicas": fleet.replicas, **alone}
    follows = {
        "min_replicas": fleet.replicas,
        "max_replicas": fleet.most,
        "target_ongoing_requests": scaling.target,
        "upscale_delay_s": scaling.up,
        "downscale_delay_s": scaling.down,
        "look_back_period_s": scaling.window,
        "metrics_interval_s": min(10.0, scaling.window / 2),
    }
    return {"autoscaling_config": follows, **alone}


def end(ours: bool) -> None:
    """Requests under way are answered; then the replicas go, and with them a Ray Serve that was started for them."""
    from ray import serve

    with suppress(Exception):  # what cannot be asked any more has gone already
        serve.delete(APPLICATION)
    with suppress(Exception):
        if ours:
            serve.shutdown()


def _free(host: str) -> int:
    from mlforge.serving.address import listen

    listener, url = listen(host, 0)
    listener.close()
    return int(url.rpartition(":")[2])


def _why(said: str) -> str:
    """What Ray Serve says of it, in a line: what an error of ours says, if there is one."""
    from ray import serve

    told = [said]
    with suppress(Exception):
        told += [part.message for one in serve.status().applications.values() for part in (one, *one.deployments.values()) if part.message]
    lines = [line.strip() for text in told for line in text.splitlines() if line.strip()]
    ours = [line.partition(": ")[2] for line in lines if line.startswith("mlforge.errors.")]
    errors = [line for line in lines if "Error" in line.partition(":")[0]]
    return (ours or errors or lines or ["it says nothing"])[-1][:300]
