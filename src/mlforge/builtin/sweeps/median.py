"""The median rule."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from mlforge.builtin.sweeps.judging import Medians
from mlforge.builtin.sweeps.proposing import Search, searching
from mlforge.components import Judge, Proposer, Sweep

__all__ = ["Median"]


class Median(Sweep):
    """Gives up trials whose best is worse than the median of the others' means so far."""

    libraries: ClassVar[tuple[str, ...]] = ("optuna",)

    search: Search = Field(default="random", description="how trials are proposed; tpe learns from the trials that are over")
    grace: int = Field(default=2, ge=1, description="epochs before a trial can be given up")
    enough: int = Field(default=3, ge=1, description="give up none before so many others have come as far")

    def proposer(self, seed: int) -> Proposer:
        """As `search` says."""
        return searching(self.search, self.space, self.goals, seed)

    def judge(self) -> Judge:
        """The rule."""
        return Medians(self.grace, self.enough)
