"""Bayesian search."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from mlforge.builtin.sweeps.proposing import ParzenTrees
from mlforge.components import Proposer, Sweep

__all__ = ["Tpe"]


class Tpe(Sweep):
    """Looks where earlier trials were good: tree-structured Parzen estimators, by Optuna."""

    libraries: ClassVar[tuple[str, ...]] = ("optuna",)

    startup: int = Field(default=10, ge=1, description="draws before the first trial that learns from others")

    def proposer(self, seed: int) -> Proposer:
        """Optuna's sampler."""
        return ParzenTrees(self.space, tuple(self.goals.values()), seed, self.startup)
