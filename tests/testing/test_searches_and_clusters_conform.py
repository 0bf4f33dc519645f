"""The built-in sweeps and clusters keep their contracts."""

from __future__ import annotations

from mlforge.builtin.clusters.local import Local
from mlforge.builtin.sweeps.asha import Asha
from mlforge.builtin.sweeps.grid import Grid
from mlforge.builtin.sweeps.hyperband import Hyperband
from mlforge.builtin.sweeps.median import Median
from mlforge.builtin.sweeps.random import Random
from mlforge.builtin.sweeps.tpe import Tpe
from mlforge.testing.clusters import ClusterContract
from mlforge.testing.sweeps import LISTED, SPACE, SweepContract


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


class TestLocal(ClusterContract):
    component = Local()
