"""The perturbation shift."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from mlforge.components import Perturbation

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

__all__ = ["Shift"]


class Shift(Perturbation):
    """Adds an amount to numbers: what direction tests need (more of this must not lower that)."""

    dtypes: ClassVar[frozenset[str]] = frozenset({"int", "float"})

    by: float = Field(allow_inf_nan=False, description="what is added, in the column's unit")

    def apply(self, values: pl.Series, keys: np.ndarray) -> pl.Series:
        """Each value and the amount."""
        import polars as pl

        changed = values.cast(pl.Float64) + self.by
        return (changed.round() if values.dtype.is_integer() else changed).cast(values.dtype)
