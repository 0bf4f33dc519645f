"""The connection to Ray, and one fit through Ray Train. Imports ray inside: it takes a second."""

from __future__ import annotations

import logging
import os
import threading
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mlforge.components import Errand, Place
from mlforge.errors import Interrupted
from mlforge.ray_here import join, start

__all__ = ["connect", "disconnect", "fitted", "room"]

_LEASE = 0.5  # seconds between two looks of a worker whether it is told to stop
_SETTINGS = {
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # else Ray warns of a change to come
    "RAY_TRAIN_ENABLE_SHARE_CUDA_VISIBLE_DEVICES": "0",
    "TRAIN_ENABLE_SHARE_CUDA_VISIBLE_DEVICES": "0",  # each worker sees its own GPU, and no other
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_TRAIN_METRICS_ENABLED": "0",
    "RAY_TRAIN_ENABLE_PREEMPTION_WATCHER": "0",  # a process more; a machine that goes is noticed by its workers
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_SCHEDULER_EVENTS": "0",
    "RAY_TRAIN_HEALTH_CHECK_INTERVAL_S": "0.5",
}
_session = {"ours": False}


def connect(address: str | None, cpus: int = 1) -> bool:
    """Connect to the cluster there, or start one of this machine's own; False when this process is connected already.

    Raises MissingRequirement when nothing answers there within a quarter of a minute.
    """
    import ray

    if ray.is_initialized():
        return False
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    if address is None:
        start(cpus)
    else:
        join("cluster.address", address)
    _session["ours"] = True
    return True


def disconnect() -> None:
    """End the connection, and with it all that was started through it; not that of others."""
    if _session["ours"]:
        import ray

        _session["ours"] = False
        ray.shutdown()


def room() -> Mapping[str, float]:
    """What the cluster has in all."""
    import ray

    found: Mapping[str, float] = ray.cluster_resources()
    return found


def fitted(errand: Errand, workers: int | tuple[int, int], each: Mapping[str, float], placement: str) -> None:
    """Have Ray Train's workers take part in the fit. Raises what Ray raises."""
    from ray.train import FailureConfig, RunConfig, ScalingConfig
    from ray.train.torch import TorchTrainer

    with _quiet():
        scaling = ScalingConfig(num_workers=workers, use_gpu="GPU" in each, resources_per_worker=dict(each), placement_strategy=placement)
        handed = {name: value for name, value in os.environ.items() if name.startswith(("MLFORGE_", "XDG_CACHE_")) or name in _SETTINGS}
        handed["OMP_NUM_THREADS"] = str(max(1, int(each["CPU"])))
        TorchTrainer(
            _take_part,
            train_loop_config={"folder": str(errand.folder), "part": errand.part, "gpu": "GPU" in each},
            scaling_config=scaling,
            run_config=RunConfig(
                name="fit", storage_path=str(errand.folder / "ray"), failure_config=FailureConfig(max_failures=0), worker_runtime_env={"env_vars": handed}
            ),
        ).fit()


def _take_part(config: Mapping[str, Any]) -> None:
    """A worker's own work. Ray has brought the ranks together; each sees one device, as if it were alone on its machine."""
    import ray.train

    from mlforge.builtin.clusters.ray_train import shared

    folder = shared(config["folder"])
    if not config["gpu"]:
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    os.environ |= {"LOCAL_RANK": "0", "LOCAL_WORLD_SIZE": "1"}
    threading.Thread(target=_lease, args=(folder,), daemon=True).start()
    context = ray.train.get_context()
    config["part"](config["folder"], Place(context.get_world_rank(), context.get_world_size()))


def _lease(folder: Path) -> None:
    """End when the driver says so, or when it has taken the folder away."""
    while folder.exists() and not (folder / "stop").exists():
        time.sleep(_LEASE)
    os._exit(Interrupted.exit_code)


@contextmanager
def _quiet() -> Iterator[None]:
    """Ray logs to its own files; what a person needs is told by us."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in ("ray", "ray.train", "ray.tune", "ray.data"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        yield
