"""Workers of a Ray cluster."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from mlforge.components import Cluster, Errand, Fleet, Trainer
from mlforge.errors import MissingRequirement, MlforgeError, RecipeError, RunFailed
from mlforge.units import Duration

__all__ = ["Ray"]

_log = logging.getLogger(__name__)
_LOOK = 0.2  # seconds between two looks at the workers
_STOP = 20.0  # seconds in which workers that were told to stop must have gone


class Ray(Cluster):
    """Workers of a Ray cluster, by Ray Train: on several machines, restarted from the last checkpoint when one is lost."""

    requires: ClassVar[tuple[str, ...]] = ("torch", "ray")
    reserves: ClassVar[bool] = True

    address: str | None = Field(
        default=None,
        pattern=r"^(auto|[\w.\-]+:\d{1,5})$",
        description="host:port of the cluster, or auto for the one that this machine belongs to; null: one of this machine's own, which ends with the run",
    )
    workers: int | None = Field(default=None, ge=1, le=10_000, description="processes that fit together; null: as trainer.devices and trainer.nodes say")
    most: int | None = Field(default=None, ge=1, le=10_000, description="elastic: up to so many when there is room, and as few as `workers` when there is not")
    cpus: float = Field(default=1.0, gt=0, description="CPU cores of each worker")
    gpus: int = Field(default=0, ge=0, le=1, description="GPUs of each worker; 0: it fits on CPU cores")
    resources: Mapping[str, Annotated[float, Field(gt=0)]] = Field(
        default_factory=dict, description="further resources of each worker, as the cluster names them"
    )
    placement: Literal["PACK", "SPREAD", "STRICT_PACK", "STRICT_SPREAD"] = Field(
        default="PACK", description="on as few machines as possible, or spread over many; strict: or not at all"
    )
    restarts: int = Field(default=3, ge=0, le=100, description="how often to go on from the last checkpoint after a worker or machine was lost")
    patience: Duration = Field(default=600.0, description="how long to wait for room on the cluster, at the start and after a loss")

    @model_validator(mode="after")
    def _in_order(self) -> Ray:
        if self.most is not None and (self.workers is None or self.most < self.workers):
            raise ValueError("most is for the elastic: it needs workers, and not more of them")
        return self

    def takes(self, trainer: Trainer) -> Mapping[str, float]:
        """What its workers are given."""
        return self._needs(self._least(trainer.processes()))

    def ready(self, trainer: Trainer) -> None:
        """It answers, and has room."""
        from mlforge.builtin.clusters.ray_session import connect, room

        wanted = getattr(trainer, "accelerator", "auto")
        if wanted == "gpu" and not self.gpus:
            raise RecipeError("trainer.accelerator: gpu, and cluster: ray gives its workers none", hint="Set cluster.gpus=1, or trainer.accelerator=cpu.")
        if wanted == "cpu" and self.gpus:
            raise RecipeError("cluster.gpus: 1, and trainer.accelerator is cpu", hint="Set cluster.gpus=0, or trainer.accelerator=gpu.")
        if self.address is None:
            self._fits(self._least(trainer.processes()), _machine(), "this machine")
        else:
            connect(self.address)
            self._fits(self._least(trainer.processes()), room(), f"the Ray cluster at {self.address}")

    @contextmanager
    def led(self) -> Iterator[None]:
        """The connection lasts as long as the command."""
        from mlforge.builtin.clusters.ray_session import disconnect

        try:
            yield
        finally:
            disconnect()

    def fleet(self) -> Fleet:
        """Its workers are replicas of a server. Raises RecipeError for STRICT_PACK, which Ray Serve does not know."""
        if self.placement == "STRICT_PACK":
            raise RecipeError("cluster.placement: STRICT_PACK, and replicas of a server are spread over machines", hint="Leave it out, or name STRICT_SPREAD.")
        return Fleet(self.address, self.workers or 1, self.most, self._needs(1), self.placement == "STRICT_SPREAD", self.patience)

    def fit(self, errand: Errand) -> None:
        """Fit on the workers; go on from the last checkpoint when one is lost."""
        from mlforge.builtin.clusters.ray_session import connect, disconnect, room

        workers, ours = self._least(errand.processes), connect(self.address, cpus=self._cores(errand.processes))
        try:
            for restart in range(self.restarts + 1):
                self._wait(workers, room)
                lost = self._try(errand, workers)
                if lost is None:
                    return
                if restart == self.restarts:
                    raise lost
                _log.warning("cluster: %s; going on from the last checkpoint (%d of %d)", str(lost.args[0]).rstrip("."), restart + 1, self.restarts)
        finally:
            if ours:
                disconnect()

    def _least(self, processes: tuple[int, int]) -> int:
        return self.workers or processes[0] * processes[1]

    def _cores(self, processes: tuple[int, int]) -> int:
        return math.ceil(self.cpus * (self.most or self._least(processes)))

    def _needs(self, workers: int) -> dict[str, float]:
        return {name: workers * amount for name, amount in {"CPU": self.cpus, "GPU": float(self.gpus), **self.resources}.items() if amount}

    def _fits(self, workers: int, there: Mapping[str, float], where: str) -> None:
        for name, amount in self._needs(workers).items():
            if amount > there.get(name, 0.0):
                each = amount / workers
                raise MissingRequirement(
                    f"cluster: {workers} workers with {each:g} {name} each, and {where} has {there.get(name, 0.0):g}",
                    hint=f"Try cluster.workers={int(there.get(name, 0.0) // each)}." if there.get(name, 0.0) >= each else "",
                )

    def _wait(self, workers: int, room: Callable[[], Mapping[str, float]]) -> None:
        """Until there is room for all of them."""
        deadline = time.monotonic() + self.patience
        while True:
            try:
                self._fits(workers, room(), "the Ray cluster")
            except MissingRequirement as missing:
                if time.monotonic() > deadline:
                    raise RunFailed(f"{missing.args[0]}, for {self.patience:g} s", hint="The same command continues from the last checkpoint.") from None
                time.sleep(_LOOK)
            else:
                return

    def _try(self, errand: Errand, workers: int) -> RunFailed | None:
        """One try: None when it is done, or why it ended when going on makes sense. Raises what a user must mend."""
        from mlforge.builtin.clusters.ray_session import fitted

        for stale in errand.folder.glob("failed-*"):
            stale.unlink()
        (errand.folder / "stop").unlink(missing_ok=True)
        ended: list[BaseException | None] = []

        def run() -> None:
            try:
                fitted(errand, workers if self.most is None else (workers, self.most), self._needs(1), self.placement)
                ended.append(None)
            except BaseException as error:  # carried over to the thread that waits
                ended.append(error)

        thread = threading.Thread(target=run, name="ray-train", daemon=True)
        thread.start()
        try:
            while thread.is_alive():
                errand.listen()
                thread.join(_LOOK)
        finally:
            if thread.is_alive():
                (errand.folder / "stop").touch()
                thread.join(_STOP)
        return _verdict(ended[0], errand.failure())


def _verdict(error: BaseException | None, told: MlforgeError | None) -> RunFailed | None:
    if error is None:
        return None
    if told is not None and not told.evidence:  # a user's to mend: to try again would not help
        raise told
    failures: Mapping[int, BaseException] = getattr(error, "worker_failures", {})
    gone = next((rank for rank, one in sorted(failures.items()) if "ActorDied" in type(one).__name__ or "died" in str(one)[:2000].lower()), None)
    if gone is not None:
        return RunFailed(f"rank {gone} was lost: its process or its machine is gone")
    if told is not None and "connection" in str(told.args[0]).lower():
        return RunFailed(f"{str(told.args[0]).partition(':')[0]} has lost its connection to another, whose process or machine is gone", evidence=told.evidence)
    if told is not None:
        return RunFailed(str(told.args[0]), evidence=told.evidence)
    return RunFailed(f"Ray could not fit: {(str(error).strip() or type(error).__name__).splitlines()[-1][:300]}")


def _machine() -> dict[str, float]:
    from mlforge.builtin.clusters.devices import cores, gpus

    return {"CPU": float(cores()), "GPU": float(gpus())}


def shared(folder: str) -> Path:
    """The folder of a fit, as a worker sees it. Raises RunFailed when it does not."""
    where = Path(folder)
    if not (where / "fitting.json").exists():
        import socket

        raise RunFailed(
            f"{socket.gethostname()} does not see {folder}", hint="Keep the project and its store on a folder that every machine of the cluster mounts."
        )
    return where
