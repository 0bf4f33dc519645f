"""The mitigation that weighs rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from mlforge.components import Mitigation

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Reweighing"]


class Reweighing(Mitigation):
    """Weighs training rows so that group and class are independent (Kamiran and Calders 2012): the model need not learn what history did to a group.

    A row of group s and class y weighs P(s)·P(y) / P(s, y) times what it did. The model has no need of the column when it predicts.
    """

    libraries: ClassVar[tuple[str, ...]] = ("numpy",)

    def weigh(self, totals: np.ndarray) -> np.ndarray:
        """The share that would be expected over the share that is there; 1 where there is none."""
        import numpy as np

        expected = totals.sum(axis=1, keepdims=True) * totals.sum(axis=0, keepdims=True) / max(float(totals.sum()), np.finfo(float).tiny)
        factors: np.ndarray = np.divide(expected, totals, out=np.ones_like(expected), where=totals > 0)
        return factors
