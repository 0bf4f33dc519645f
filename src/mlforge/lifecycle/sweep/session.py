"""A Ray session for the time of a search: quiet, of known size, and gone afterwards."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

from mlforge.components import Sweep
from mlforge.errors import MissingRequirement
from mlforge.lifecycle.sweep.asked import Asked
from mlforge.lifecycle.sweep.guard import guarded
from mlforge.ray_here import join, start

__all__ = ["Room", "session"]

_SETTINGS = {
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",  # three files a trial that nobody reads
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # Ctrl-C is ours
    "TUNE_RESULT_BUFFER_LENGTH": "0",
    "TUNE_GLOBAL_CHECKPOINT_S": "86400",  # we continue from our journal, not from Ray's
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
    "TUNE_MAX_PENDING_TRIALS_PG": "16",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}
_TOLD = ("MLFORGE_", "XDG_CACHE_", "PYTHONPATH", "RAY_CHDIR_TO_TRIAL_DIR")  # what workers elsewhere are told of the environment


@dataclass(frozen=True)
class Room:
    """What there is for trials."""

    concurrency: int


@contextmanager
def session(sweep: Sweep, asked: Asked) -> Iterator[Room]:
    """Ray, started here or reached at the sweep's address; what was started ends with the block.

    Raises MissingRequirement when the address does not answer, or when one trial asks for more than there is.
    """
    before = {name: os.environ.get(name) for name in _SETTINGS}
    os.environ.update(_SETTINGS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import ray

        ours = not ray.is_initialized()
        try:
            with guarded() if ours else nullcontext():
                try:
                    if ours:
                        _start(sweep)
                    yield _room(sweep, asked, ray.cluster_resources())
                finally:
                    if ours:
                        ray.shutdown()
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value


def _start(sweep: Sweep) -> None:

    if sweep.address is None:
        start()
        return
    join("sweep.address", sweep.address, {name: value for name, value in os.environ.items() if name.startswith(_TOLD)})


def _room(sweep: Sweep, asked: Asked, there: Mapping[str, float]) -> Room:
    lacking = asked.lacking(there)
    if lacking is not None:
        raise MissingRequirement(lacking[0], hint=lacking[1])
    most = asked.most(there)
    return Room(min(sweep.concurrency or most, most))
