"""The built-in sweeps and clusters keep their contracts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import pytest

from mlforge.builtin.clusters.local import Local
from mlforge.builtin.clusters.ray_train import Ray
from mlforge.builtin.clusters.slurm import Slurm
from mlforge.builtin.clusters.torchrun import Torchrun
from mlforge.builtin.sweeps.asha import Asha
from mlforge.builtin.sweeps.grid import Grid
from mlforge.builtin.sweeps.hyperband import Hyperband
from mlforge.builtin.sweeps.median import Median
from mlforge.builtin.sweeps.pbt import Pbt
from mlforge.builtin.sweeps.random import Random
from mlforge.builtin.sweeps.tpe import Tpe
from mlforge.components import Cluster
from mlforge.testing import ClusterContract, ComponentContract, SweepContract
from mlforge.testing.sweeps import LISTED, SPACE


class TestRandom(SweepContract):
    component = Random(space=SPACE)


class TestGrid(SweepContract):
    component = Grid(space=LISTED)


class TestTpe(SweepContract):
    component = Tpe(space=SPACE)


class TestAsha(SweepContract):
    component = Asha(space=SPACE)


class TestHyperband(SweepContract):
    component = Hyperband(space=SPACE)


class TestMedian(SweepContract):
    component = Median(space=SPACE)


class TestPbt(SweepContract):
    component = Pbt(space=SPACE, population=2, trials=8)


class TestLocal(ClusterContract):
    component = Local()


class TestLocalWithTwoProcesses(ClusterContract):
    component = Local(workers=2)
    processes = 2


class Started(ClusterContract):
    """By something outside, as the only rank."""

    started: ClassVar[Mapping[str, str]] = {}

    @pytest.fixture(autouse=True)
    def ranks(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in self.started.items():
            monkeypatch.setenv(name, value)


class TestTorchrun(Started):
    component = Torchrun()
    started = {
        "TORCHELASTIC_RUN_ID": "one", "RANK": "0", "WORLD_SIZE": "1", "LOCAL_RANK": "0", "LOCAL_WORLD_SIZE": "1", "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": "29500",
    }  # fmt: skip


class TestSlurm(Started):
    component = Slurm(gpus=2, time="2h", options={"constraint": "a100"})
    started = {"SLURM_JOB_ID": "7", "SLURM_STEP_ID": "0", "SLURM_PROCID": "0", "SLURM_NTASKS": "1"}


class TestRay(ComponentContract[Ray]):
    """Its fits take a session of Ray's each: tests/builtin/clusters has what they do there, and when they fail."""

    kind = Cluster
    component = Ray()
