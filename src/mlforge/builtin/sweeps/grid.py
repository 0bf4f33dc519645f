"""Every combination."""

from __future__ import annotations

import math
from collections.abc import Iterable

from pydantic import Field

from mlforge.builtin.sweeps.proposing import Grid as Combinations
from mlforge.components import Objection, Proposer, Sweep
from mlforge.contract import Contract

__all__ = ["Grid"]


class Grid(Sweep):
    """Tries every combination of the values in the space."""

    trials: int = Field(default=10_000, ge=1, description="how many trials at most; the combinations beyond are left out")

    @property
    def most(self) -> int:
        """As many as there are combinations."""
        return min(self.trials, math.prod(len(one.values() or ()) for one in self.space.values()))

    def objections(self, contract: Contract) -> Iterable[Objection]:
        """Entries whose values cannot be counted."""
        for name, one in self.space.items():
            if one.values() is None:
                yield Objection(f"space.{name}.{one.law}", "has values without end", "choice, quniform or randint, for a grid", "Or search by sweep=random.")

    def proposer(self, seed: int) -> Proposer:
        """The combinations in order."""
        return Combinations(self.space)
