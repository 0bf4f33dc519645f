"""HyperBand with a search that learns."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from mlforge.builtin.sweeps.judging import Brackets, Halving
from mlforge.builtin.sweeps.proposing import Search, searching
from mlforge.components import Judge, Proposer, Sweep

__all__ = ["Hyperband"]


class Hyperband(Sweep):
    """Halving in several brackets, some more patient, over a search that learns: the idea of BOHB, with Optuna's TPE as the model."""

    libraries: ClassVar[tuple[str, ...]] = ("optuna",)

    search: Search = Field(default="tpe", description="how trials are proposed; tpe learns from the trials that are over")
    grace: int = Field(default=1, ge=1, description="epochs before a trial of the first bracket can be given up")
    reduction: float = Field(default=3, gt=1, description="of so many trials at a rung one goes on, and the next rung is so many times further")
    brackets: int = Field(default=3, ge=1, le=10, description="how many brackets; each begins to give up trials one rung later than the one before")

    def proposer(self, seed: int) -> Proposer:
        """As `search` says."""
        return searching(self.search, self.space, self.goals, seed)

    def judge(self) -> Judge:
        """A ladder of rungs for each bracket."""
        ladders = (Halving(round(self.grace * self.reduction**late), self.reduction) for late in range(self.brackets))
        return Brackets(tuple(ladders), self.seed or 0)
