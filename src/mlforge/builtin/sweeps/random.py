"""Random search."""

from __future__ import annotations

from mlforge.builtin.sweeps.proposing import Draws
from mlforge.components import Proposer, Sweep

__all__ = ["Random"]


class Random(Sweep):
    """Draws from the space, independently."""

    def proposer(self, seed: int) -> Proposer:
        """Independent draws."""
        return Draws(self.space, seed)
