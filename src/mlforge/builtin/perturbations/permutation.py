"""The perturbation permutation."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from mlforge.components import Perturbation

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from mlforge.contract import Column

__all__ = ["Permutation"]


class Permutation(Perturbation):
    """Puts another of the given values in place of each: [Female, Male] turns each into the other."""

    dtypes: ClassVar[frozenset[str]] = frozenset({"int", "float", "bool", "category", "string"})

    values: tuple[bool | int | float | str, ...] = Field(min_length=2, description="the values; one that is not among them may become any of them")

    def unfit(self, column: Column) -> str:
        """Values that the column cannot hold."""
        wrong = [value for value in self.values if not _holds(column.dtype, value)]
        return f"{', '.join(map(repr, wrong[:3]))} cannot be in a column of {column.dtype}" if wrong else ""

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


def _holds(dtype: str, value: bool | int | float | str) -> bool:
    """Can a column of that type hold the value as it is written."""
    if dtype in ("category", "string"):
        return True
    if dtype == "bool" or isinstance(value, bool):
        return dtype == "bool" and isinstance(value, bool)
    return isinstance(value, int | float) and (dtype == "float" or float(value).is_integer())
