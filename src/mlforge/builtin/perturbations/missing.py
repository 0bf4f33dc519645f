"""The perturbation missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from mlforge.components import Perturbation

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

__all__ = ["Missing"]


class Missing(Perturbation):
    """Takes the value away, as a form that was left blank does."""

    dtypes: ClassVar[frozenset[str]] = frozenset({"int", "float", "bool", "category", "string", "text", "datetime"})

    def apply(self, values: pl.Series, keys: np.ndarray) -> pl.Series:
        """Nulls."""
        return values.clear(len(values))
