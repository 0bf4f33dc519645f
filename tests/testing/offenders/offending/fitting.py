"""Observers, loggers, clusters and sweeps with a flaw."""

from mlforge.builtin.callbacks.gradient_norm import GradientNorm
from mlforge.builtin.clusters.local import Local
from mlforge.builtin.loggers.csv import Csv
from mlforge.builtin.sweeps.random import Random
from mlforge.components import Place


class Amnesic(GradientNorm):
    """Keeps over steps what no checkpoint has."""

    def build(self, fitting):
        made = super().build(fitting)
        made.state_dict = lambda: {}  # noqa: PIE807 - Lightning looks at its code
        made.load_state_dict = lambda state: None
        return made


class Echoing(GradientNorm):
    """Finds in every process."""

    def build(self, fitting):
        from dataclasses import replace

        return super().build(replace(fitting, place=Place()))


class Mute(Csv):
    """Writes nothing."""

    def build(self, fitting, folder):
        from pytorch_lightning.loggers.logger import DummyLogger

        return DummyLogger()


class Repeating(Local):
    """Does the work twice."""

    def fit(self, errand):
        super().fit(errand)
        errand.here(Place(1, 2))


class Adrift(Random):
    """Draws with a seed of its own."""

    def proposer(self, seed):
        import os

        return super().proposer(int.from_bytes(os.urandom(3), "big"))
