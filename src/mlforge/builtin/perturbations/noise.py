"""The perturbation noise."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from mlforge.components import Perturbation

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

__all__ = ["Noise"]


class Noise(Perturbation):
    """Adds normal noise to numbers, as a worse instrument does; whole numbers are rounded again."""

    dtypes: ClassVar[frozenset[str]] = frozenset({"int", "float"})

    deviation: float = Field(gt=0, allow_inf_nan=False, description="standard deviation of the noise, in the column's unit")

    def apply(self, values: pl.Series, keys: np.ndarray) -> pl.Series:
        """Each value with noise (Box and Muller 1958)."""
        import numpy as np
        import polars as pl

        from mlforge.builtin.perturbations.chance import uniform

        radius = np.sqrt(-2 * np.log1p(-uniform(keys, 0)))
        noise = pl.Series(self.deviation * radius * np.cos(2 * np.pi * uniform(keys, 1)))
        changed = values.cast(pl.Float64) + noise
        return (changed.round() if values.dtype.is_integer() else changed).cast(values.dtype).alias(values.name)
