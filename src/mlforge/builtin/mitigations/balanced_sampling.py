"""The mitigation that draws rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from mlforge.components import Mitigation

if TYPE_CHECKING:
    import numpy as np

__all__ = ["BalancedSampling"]


class BalancedSampling(Mitigation):
    """Draws training rows so that each group, or each class of each group, is there equally often: a small group counts as much as a large one."""

    libraries: ClassVar[tuple[str, ...]] = ("numpy",)

    within_classes: bool = Field(default=True, description="balance each class of each group, and not groups alone")
    by: Literal["repeating", "dropping"] = Field(default="repeating", description="repeat rows of the smaller groups, or drop rows of the larger ones")
    most_repeated: int = Field(default=20, ge=1, le=1000, description="times that a row is there at most: a handful of rows cannot stand for a group")

    def take(self, groups: np.ndarray, target: np.ndarray, seed: int) -> np.ndarray:
        """Positions in the rows' order, repeated ones beside each other."""
        import numpy as np

        keys = groups.astype(np.int64) * (int(target.max(initial=0)) + 1) + target if self.within_classes else groups
        kinds, counts = np.unique(keys, return_counts=True)
        if not len(kinds):
            return np.arange(0)
        size = int(counts.max() if self.by == "repeating" else counts.min())
        draw, taken = np.random.default_rng((seed, len(groups))), []
        for kind, count in zip(kinds.tolist(), counts.tolist(), strict=True):
            rows = np.flatnonzero(keys == kind)
            wanted = min(size, count * self.most_repeated)
            whole, rest = divmod(wanted, count)
            taken += [np.repeat(rows, whole), draw.choice(rows, rest, replace=False)]
        return np.sort(np.concatenate(taken))
