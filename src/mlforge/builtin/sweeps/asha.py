"""Asynchronous successive halving."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from mlforge.builtin.sweeps.judging import Halving
from mlforge.builtin.sweeps.proposing import Search, searching
from mlforge.components import Judge, Proposer, Sweep

__all__ = ["Asha"]


class Asha(Sweep):
    """Starts many trials and gives up the worse ones early: asynchronous successive halving."""

    libraries: ClassVar[tuple[str, ...]] = ("optuna",)

    search: Search = Field(default="random", description="how trials are proposed; tpe learns from the trials that are over")
    grace: int = Field(default=1, ge=1, description="epochs before a trial can be given up")
    reduction: float = Field(default=3, gt=1, description="of so many trials at a rung one goes on, and the next rung is so many times further")

    def proposer(self, seed: int) -> Proposer:
        """As `search` says."""
        return searching(self.search, self.space, self.goals, seed)

    def judge(self) -> Judge:
        """One ladder of rungs."""
        return Halving(self.grace, self.reduction)
