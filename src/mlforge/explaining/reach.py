"""Where a predicted value should lie."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Self

from mlforge.errors import RecipeError

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

__all__ = ["Reach"]


@dataclass(frozen=True)
class Reach:
    """From a lowest to a highest value, both included."""

    low: float = -inf
    high: float = inf

    @classmethod
    def read(cls, text: str) -> Self:
        """From "100:200", "100:" or ":200". Raises RecipeError for anything else."""
        low, colon, high = text.partition(":")
        try:
            read = cls(float(low) if low.strip() else -inf, float(high) if high.strip() else inf)
        except ValueError:
            read = cls(inf, -inf)
        if not colon or not (low.strip() or high.strip()) or not read.low <= read.high:
            raise RecipeError(f"{text!r} is no range", hint="Write the lowest and the highest value, as 100:200, or one of them, as 100: or :200.")
        return read

    def __str__(self) -> str:
        """As a person says it."""
        if self.low == -inf:
            return f"at most {self.high:g}"
        return f"at least {self.low:g}" if self.high == inf else f"from {self.low:g} to {self.high:g}"

    def holds(self, values: pl.Series) -> pl.Series:
        """Which of the values lie there."""
        return (values >= self.low) & (values <= self.high)

    def away(self, values: np.ndarray) -> np.ndarray:
        """How far each is from there."""
        import numpy as np

        far: np.ndarray = np.maximum(np.maximum(self.low - values, values - self.high), 0.0)
        return far
