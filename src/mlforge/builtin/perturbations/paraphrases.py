"""The perturbation paraphrases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from mlforge.components import Perturbation

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

__all__ = ["Paraphrases"]


class Paraphrases(Perturbation):
    """Says the same in other words: every phrase of the list that a text holds is replaced, the longest first."""

    dtypes: ClassVar[frozenset[str]] = frozenset({"string", "text", "category"})

    phrases: Mapping[str, str] = Field(min_length=1, description="what stands there, and what to say instead: {very good: excellent}")

    def apply(self, values: pl.Series, keys: np.ndarray) -> pl.Series:
        """Each text with its phrases replaced."""
        import polars as pl

        ordered = sorted(self.phrases, key=lambda phrase: (-len(phrase), phrase))
        return values.cast(pl.String).str.replace_many(ordered, [self.phrases[phrase] for phrase in ordered], leftmost=True)
