"""Perturbations and mitigations that each break one clause."""

from typing import ClassVar

from mlforge.components import Decision, Mitigation, Perturbation


class Adding(Perturbation):
    """Adds one."""

    dtypes: ClassVar[frozenset[str]] = frozenset({"int", "float"})

    def apply(self, values, keys):
        return values + 1


class Neighbourly(Adding):
    """Puts the largest of a partition in each place: what a row becomes hangs on its neighbours."""

    def apply(self, values, keys):
        import polars as pl

        return pl.select(pl.when(values.is_not_null()).then(pl.lit(values.max(), dtype=values.dtype))).to_series()


class Inventing(Adding):
    """Fills in what is missing."""

    def apply(self, values, keys):
        return (values + 1).fill_null(0)


class Widening(Adding):
    """Makes whole numbers fractions."""

    def apply(self, values, keys):
        return values * 0.5


class Idle(Adding):
    """Changes nothing."""

    def apply(self, values, keys):
        return values


class Endless(Mitigation):
    """Divides by what is not there."""

    def weigh(self, totals):
        import numpy as np

        with np.errstate(all="ignore"):
            return 1 / totals


class Beyond(Mitigation):
    """Takes a row after the last."""

    def take(self, groups, target, seed):
        import numpy as np

        return np.arange(len(groups)) + bool(len(groups))


class Overdrawn(Mitigation):
    """Draws a line where no probability is."""

    def decide(self, scored):
        return Decision(1.5, {})


class Nominal(Mitigation):
    """Does nothing."""
