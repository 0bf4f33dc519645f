"""The perturbation typos."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from mlforge.components import Perturbation

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

__all__ = ["Typos"]


class Typos(Perturbation):
    """Swaps two neighbouring letters, as fast fingers do."""

    dtypes: ClassVar[frozenset[str]] = frozenset({"string", "text", "category"})

    swaps: int = Field(default=1, ge=1, le=20, description="swaps in a value; a value of one letter stays as it is")

    def apply(self, values: pl.Series, keys: np.ndarray) -> pl.Series:
        """Each value with two letters swapped."""
        import polars as pl

        from mlforge.builtin.perturbations.chance import uniform

        places = [uniform(keys, draw) for draw in range(self.swaps)]
        made = [None if text is None else _swapped(text, [float(place[row]) for place in places]) for row, text in enumerate(values.cast(pl.String))]
        return pl.Series(values.name, made, dtype=pl.String)


def _swapped(text: str, places: list[float]) -> str:
    letters = list(text)
    for place in places if len(letters) > 1 else ():
        at = int(place * (len(letters) - 1))
        letters[at], letters[at + 1] = letters[at + 1], letters[at]
    return "".join(letters)
