"""Rows with a class, and what a model said of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from mlforge.builtin.probes.resampling import Array

__all__ = ["BINS", "UNSEEN", "Scored", "ids"]

BINS = 15  # of the calibration error, as in Guo et al. 2017
UNSEEN = -1  # id of a class that training has not seen: never predicted, so always a miss


@dataclass(frozen=True)
class Scored:
    """Rows with a class and what a model said; or cells of rows that are alike, each with its number of rows."""

    target: np.ndarray  # class ids, UNSEEN for a class that the model does not know
    predicted: np.ndarray  # class ids
    probability: Array  # [rows, classes]
    classes: tuple[str, ...]
    rank: Array | None = None  # of cells: the score of their bin, by which they are ranked
    place: np.ndarray | None = None  # of cells: the bin of the calibration
    counts: np.ndarray | None = None  # of cells: how many rows

    @property
    def width(self) -> int:
        """How many classes the model knows."""
        return len(self.classes)

    @property
    def rows(self) -> np.ndarray:
        """How many rows each entry stands for."""
        import numpy as np

        return np.ones(len(self.target), dtype=np.int64) if self.counts is None else self.counts

    def ranked(self, k: int) -> Array:
        """The scores for a class by which rows are put in order."""
        return self.probability[:, k] if self.rank is None else self.rank

    def present(self) -> list[int]:
        """Classes that some rows have and others do not."""
        return [k for k in range(self.width) if 0 < int((self.target == k).sum()) < len(self.target)]


def ids(column: pl.Series, classes: pl.Series) -> pl.Series:
    """The classes' positions; UNSEEN where there is none. As text, because a label may come back from a model as a string."""
    import polars as pl

    return column.cast(pl.String).replace_strict(classes, pl.Series(range(len(classes))), default=UNSEEN, return_dtype=pl.Int64)
