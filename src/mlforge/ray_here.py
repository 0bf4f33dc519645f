"""A Ray of this machine's own: as few processes as will do, and none that stays behind when it does not come up."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from mlforge.errors import RunFailed

__all__ = ["start"]

_STORE = 200 * 1000**2  # bytes for objects: processes pass numbers to each other, their data lie in files
_PATIENCE = 5.0  # seconds for what is killed to go
_TRIES = 2  # what the first start has read from the disk is in memory for the second
_SPARED = ("start_monitor", "start_log_monitor", "start_api_server")
"""Processes of Ray's that nobody asks here: one that would ask a cloud for machines, one that would print what workers print, and a web page's server.
Each is a Python of its own, and together they are half of what a start costs."""


def start(cpus: int | None = None) -> None:
    """Start Ray with so many CPUs, or as many as there are, and connect. Raises RunFailed when it does not come up, and then nothing of it is left."""
    before = _children()
    for left in reversed(range(_TRIES)):
        try:
            with _few():
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


@contextmanager
def _few() -> Iterator[None]:
    """Within the block a node starts without what nobody asks; where Ray has its own ways of late, with it."""
    from ray._private.node import Node

    there = {name: vars(Node)[name] for name in _SPARED if name in vars(Node)}
    for name in there:
        setattr(Node, name, _spared)
    try:
        yield
    finally:
        for name, own in there.items():
            setattr(Node, name, own)


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
