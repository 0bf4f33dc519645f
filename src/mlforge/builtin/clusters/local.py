"""Processes of this machine."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from mlforge.components import Cluster, Errand, Place, Trainer
from mlforge.errors import MissingRequirement, RecipeError
from mlforge.units import Duration

__all__ = ["Local"]


class Local(Cluster):
    """This machine: one process, or several that share each step's rows."""

    requires: ClassVar[tuple[str, ...]] = ("torch",)

    workers: int | None = Field(
        default=None, ge=1, le=1024, description="processes that fit together, a GPU or some CPU cores each; null: as trainer.devices says"
    )
    threads: int | None = Field(default=None, ge=1, description="CPU threads of each process; null: the cores, shared evenly")
    grace: Duration = Field(default=30.0, description="time for a checkpoint when the run is stopped; what has not ended then is killed")

    def takes(self, trainer: Trainer) -> Mapping[str, float]:
        """The threads of its processes."""
        return {"CPU": float((self.workers or trainer.processes()[0]) * (self.threads or 1))}

    def ready(self, trainer: Trainer) -> None:
        """As many cores, or GPUs where it is to be GPUs, as there are processes."""
        from mlforge.builtin.clusters.devices import cores, enough_gpus, together

        workers, nodes = self.workers or trainer.processes()[0], trainer.processes()[1]
        if nodes > 1:
            raise RecipeError(
                f"trainer asks for {nodes} machines, and cluster local is one", hint="Choose cluster=ray, cluster=slurm or cluster=torchrun, or fewer nodes."
            )
        together(trainer, workers)
        if workers == 1:
            return
        wanted = getattr(trainer, "accelerator", "auto")
        there = enough_gpus(workers, "processes", wanted=wanted == "gpu") if wanted != "cpu" else 0
        if not there and workers > cores():
            raise MissingRequirement(f"cluster: {workers} processes, and this machine has {cores()} CPU cores", hint=f"Try cluster.workers={cores()}.")

    def fit(self, errand: Errand) -> None:
        """In this process when it is only one, else in as many of their own as there are ranks."""
        workers = self.workers or errand.processes[0]
        if workers == 1:
            errand.here(Place())
            return
        from torch.distributed import TCPStore  # type: ignore[attr-defined]  # exported, though not in its stubs' list

        from mlforge.builtin.clusters.devices import cores
        from mlforge.builtin.clusters.processes import started

        # the ranks meet here, on a port that the system chooses: no two runs get the same
        meeting = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
        threads = str(self.threads or max(1, cores() // workers))
        surroundings = [_variables(rank, workers, meeting.port) | {"OMP_NUM_THREADS": threads} for rank in range(workers)]
        with started(errand.command, surroundings, errand.folder, self.grace) as processes:
            processes.join(errand.listen, errand.failure)


def _variables(rank: int, world: int, port: int) -> dict[str, str]:
    """As torchrun sets them; the store at which the ranks meet is the driver's."""
    return {
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "GROUP_RANK": "0",
        "WORLD_SIZE": str(world),
        "LOCAL_WORLD_SIZE": str(world),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "TORCHELASTIC_USE_AGENT_STORE": "True",
        "MLFORGE_DRIVER": str(os.getpid()),
    }
