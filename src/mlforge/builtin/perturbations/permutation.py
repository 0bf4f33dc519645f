"""The perturbation permutation."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from mlforge.components import Perturbation

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

__all__ = ["Permutation"]


class Permutation(Perturbation):
    """Puts another of the given values in place of each: [Female, Male] turns each into the other."""

    dtypes: ClassVar[frozenset[str]] = frozenset({"int", "float", "bool", "category", "string"})

    values: tuple[bool | int | float | str, ...] = Field(min_length=2, description="the values; one that is not among them may become any of them")

    def apply(self, values: pl.Series, keys: np.ndarray) -> pl.Series:
        """Each value replaced by another, drawn evenly."""
        import numpy as np
        import polars as pl

        from mlforge.builtin.perturbations.chance import uniform

        listed = pl.Series("values", list(self.values), strict=False).cast(values.dtype)
        own = values.replace_strict(listed, pl.Series(range(len(listed))), default=-1, return_dtype=pl.Int64).fill_null(-1).to_numpy()
        others = np.where(own < 0, len(listed), len(listed) - 1)
        step = (uniform(keys, 0) * others).astype(np.int64)
        place = np.where(own < 0, step, (own + 1 + step) % len(listed))
        return pl.select(pl.when(values.is_not_null()).then(listed.gather(place))).to_series().alias(values.name)
