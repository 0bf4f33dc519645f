"""The perturbation scale."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from mlforge.components import Perturbation

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

__all__ = ["Scale"]


class Scale(Perturbation):
    """Multiplies numbers, as a change of units does: 2.54 for inches read as centimetres, 0.001 for thousands."""

    dtypes: ClassVar[frozenset[str]] = frozenset({"int", "float"})

    by: float = Field(allow_inf_nan=False, description="the factor")

    def apply(self, values: pl.Series, keys: np.ndarray) -> pl.Series:
        """Each value times the factor."""
        import polars as pl

        changed = values.cast(pl.Float64) * self.by
        return (changed.round() if values.dtype.is_integer() else changed).cast(values.dtype)
