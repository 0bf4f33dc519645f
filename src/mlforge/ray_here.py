"""The way to a Ray: of this machine's own, with as few processes as will do and none that stays behind when it does not come up; or at an address, soon."""

from __future__ import annotations

import logging
import os
import socket
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from mlforge.errors import MissingRequirement, RunFailed

__all__ = ["few", "join", "probe", "start"]

_log = logging.getLogger(__name__)
_LEVEL = "RAY_BACKEND_LOG_LEVEL"
_STORE = 200 * 1000**2  # bytes for objects: processes pass numbers to each other, their data lie in files
_LOOK = 0.1  # seconds between two looks whether it is there
_PATIENCE = 5.0  # seconds for what is killed to go
_PROBE = 3.0  # seconds in which a port must open
_ANSWER = 7.0  # seconds in which what is behind it is mostly joined
_HEALTH = 3.0  # seconds after those in which it must at least turn out to be Ray: a cluster under load is waited for
_TRIES = 2  # what the first start has read from the disk is in memory for the second
_UP = 100.0  # seconds for a node to come up: Ray gives it 30, which is not enough on a machine under load
_SPARED = ("start_monitor", "start_log_monitor", "start_api_server")
"""Processes of Ray's that nobody asks here: one that would ask a cloud for machines, one that would print what workers print, and a web page's server.
Each is a Python of its own, and together they are half of what a start costs."""


def start(cpus: int | None = None) -> None:
    """Start Ray with so many CPUs, or as many as there are, and connect. Raises RunFailed when it does not come up, and then nothing of it is left."""
    before = _children()
    for left in reversed(range(_TRIES)):
        try:
            with few():
                _init(cpus)
        except BaseException as error:
            _end(before)
            if not isinstance(error, Exception):
                raise
            if not left:
                reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
                raise RunFailed(f"Ray could not be started here: {reason}", hint="The machine may be overloaded; the same command continues.") from error
        else:
            return


def probe(key: str, address: str) -> None:
    """Raises MissingRequirement, which names the recipe's key, when nothing listens at an address: a host and a port."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():
        return
    try:
        socket.create_connection((host, int(port)), timeout=_PROBE).close()
    except (OSError, OverflowError) as error:
        raise _silent(key, address, getattr(error, "strerror", None) or str(error)) from None


def join(key: str, address: str, variables: Mapping[str, str] | None = None) -> None:
    """Connect to the cluster there, whose workers are told of these variables.

    Raises MissingRequirement when none answers within a quarter of a minute; one that answers and is slow is waited for.
    """
    probe(key, address)
    import ray

    caught: list[BaseException] = []

    def call() -> None:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                surroundings = {"env_vars": dict(variables)} if variables else None
                with _hushed():
                    ray.init(address=address, logging_level=logging.CRITICAL, log_to_driver=False, runtime_env=surroundings)
        except BaseException as error:  # carried over
            caught.append(error)

    thread = threading.Thread(target=call, daemon=True)  # of its own: what does not answer cannot be interrupted
    with _without(_LEVEL.encode()):
        thread.start()
        thread.join(_ANSWER)
        if thread.is_alive() and not _is_ray(address):
            raise _silent(key, address, f"no answer within {_ANSWER + _HEALTH:g} s")
        thread.join(_UP)
    if thread.is_alive():
        raise _silent(key, address, f"it answers, and could not be joined within {_UP:g} s")
    if caught:
        raise _silent(key, address, (str(caught[0]).strip() or type(caught[0]).__name__).splitlines()[0][:200]) from None


@contextmanager
def _hushed() -> Iterator[None]:
    """What this process's part of a cluster says of a node that has gone stands in the cluster's own logs; at the terminal we say what it means.

    That part writes to the terminal whatever `log_to_driver` says, from its level of errors on, and reads the level when it connects.
    """
    asked = os.environ.get(_LEVEL)
    os.environ.setdefault(_LEVEL, "fatal")
    try:
        yield
    finally:
        if asked is None:
            os.environ.pop(_LEVEL, None)
    _note()


@contextmanager
def _without(word: bytes) -> Iterator[None]:
    """Of what is written to standard error within the block, by whatever part of the process, lines with this word are left out; the others come after it."""
    sys.stderr.flush()
    asked = os.dup(2)
    with tempfile.TemporaryFile() as caught:
        os.dup2(caught.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(asked, 2)
            os.close(asked)
            caught.seek(0)
            for line in caught:
                if word not in line:
                    os.write(2, line)


def _note() -> None:
    """Notices of Ray's own processes go to our log: Ray prints them to standard output whatever `log_to_driver` says, and that is a command's answer."""
    from ray._private import worker

    def note(data: Mapping[str, Any], *given: Any, **more: Any) -> None:
        _log.info("%s", "\n".join(str(line) for line in data.get("lines", ())))

    if hasattr(worker, "print_to_stdstream"):
        worker.print_to_stdstream = note


def _is_ray(address: str) -> bool:
    """Does the head of a cluster answer there."""
    answered = threading.Event()

    def ask() -> None:
        with suppress(Exception):  # it does not, or this Ray has no such question
            from ray._raylet import GcsClient  # type: ignore[attr-defined]  # it is compiled

            GcsClient(address=address)
            answered.set()

    threading.Thread(target=ask, daemon=True).start()
    return answered.wait(_HEALTH)


def _silent(key: str, address: str, why: str) -> MissingRequirement:
    hint = f"Is `ray start --head` running there, and may this machine reach it? Without {key} one is started here."
    return MissingRequirement(f"{key}: no Ray cluster answers at {address}: {why}", hint=hint)


def _init(cpus: int | None) -> None:
    import ray

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ray.init(
            address="local",
            num_cpus=cpus,
            include_dashboard=False,
            logging_level=logging.CRITICAL,
            log_to_driver=False,
            object_store_memory=_STORE,
        )
    _note()


@contextmanager
def few() -> Iterator[None]:
    """Within the block a node starts without what nobody asks; where Ray has its own ways of late, with it."""
    from ray._private import services, utils
    from ray._private.node import Node

    there = {name: vars(Node)[name] for name in _SPARED if name in vars(Node)}
    for name in there:
        setattr(Node, name, _spared)
    asked, services.get_node = services.get_node, _patient(services.get_node)
    os.environ.setdefault("RAY_agent_register_timeout_ms", str(int(1000 * _UP)))
    whole = getattr(utils, "get_dashboard_dependency_error", None)
    if whole is not None:  # where a dashboard is installed, each node's agent would load its share of it, and take longer than it is waited for
        utils.get_dashboard_dependency_error = _unwanted
    try:
        yield
    finally:
        services.get_node = asked
        if whole is not None:
            utils.get_dashboard_dependency_error = whole
        for name, own in there.items():
            setattr(Node, name, own)


def _patient(ask: Callable[..., Any]) -> Callable[..., Any]:
    """Asks for a node that is not there yet until it has had its time."""

    def asked(*given: Any) -> Any:
        deadline = time.monotonic() + _UP
        while True:
            try:
                return ask(*given)
            except RuntimeError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(_LOOK)

    return asked


def _unwanted() -> ImportError:
    """Why there is no dashboard."""
    return ImportError("nobody asks for it")


def _spared(node: Any, **given: Any) -> None:
    """In the place of a process that is not started."""


def _children() -> frozenset[tuple[int, float]]:
    """The processes below this one, each with the time at which it began: numbers are given again."""
    import psutil

    found = set()
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            found.add((process.pid, process.create_time()))
    return frozenset(found)


def _end(before: frozenset[tuple[int, float]]) -> None:
    """End what has come up since: Ray forgets a node that did not come up whole."""
    import psutil
    import ray

    with suppress(Exception):  # whatever it is, what matters is that the processes go
        ray.shutdown()
    since = []
    for pid, _ in _children() - before:
        with suppress(psutil.Error):
            process = psutil.Process(pid)
            if any("ray" in word for word in process.cmdline()):
                process.kill()
                since.append(process)
    psutil.wait_procs(since, timeout=_PATIENCE)
