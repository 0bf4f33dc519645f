"""A histogram of two-class predictions, fine enough to measure on: what an evaluator keeps of more rows than it keeps one by one.

A *cell* has the rows of one class, one prediction and almost one score: scores that share their first eleven binary digits, counted from the nearer end, so
that 0.000001 is told from 0.000002 as well as 0.2 from 0.4. Shares, losses and calibration follow from sums and are exact to the seventh digit; areas under
curves count pairs within one bin of scores as ties, and say how much that can be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from mlforge.builtin.probes.resampling import Array

__all__ = ["CELLS", "coarser", "counted", "pooled", "settled", "within"]

CELLS = "cells"  # the table of a profile
_KEYS = ("bin", "place", "target", "predicted")
_DROPPED = 13  # binary digits of a float32's 23 that do not count
_HALF = 0x3F000000 >> _DROPPED  # the bin of 0.5
_COARSE = 5  # further digits that do not count when intervals are drawn: 3 % of a score
_MOST = 1_000_000  # cells that wait to be pooled


def counted(table: pl.DataFrame, bins: int) -> pl.DataFrame:
    """The cells of rows with `weight`, `target`, `predicted`, `probability_0` and `probability_1`; `bins` are those of the calibration."""
    import numpy as np
    import polars as pl

    said = table["probability_1"].to_numpy()
    fit = np.isfinite(said) & np.isfinite(table["probability_0"].to_numpy())
    score = np.where(fit, np.clip(said, 0.0, 1.0), 0.0)
    weight = table["weight"].to_numpy()
    cells = pl.DataFrame(
        {
            "bin": _bins(score), "place": np.clip(np.ceil(score * bins).astype(np.int32) - 1, 0, bins - 1), "target": table["target"].cast(pl.Int32),
            "predicted": table["predicted"].cast(pl.Int32), "rows": np.ones(len(score), dtype=np.int64), "broken": (~fit).astype(np.int64),
            "weight": weight, "square": weight**2, "said": score,
        }
    )  # fmt: skip
    return settled(cells)


def pooled(one: pl.DataFrame, other: pl.DataFrame) -> pl.DataFrame:
    """Both tables' cells; equal ones are added up now and then, which is cheaper than every time."""
    import polars as pl

    both = pl.concat([one, other])
    return settled(both) if len(both) > _MOST else both


def settled(cells: pl.DataFrame) -> pl.DataFrame:
    """Equal cells as one, in the order of their keys; added up in the order in which they came, so that threads do not decide the last digit."""
    import numpy as np
    import polars as pl

    bins, place, target, predicted = (pl.col(name).cast(pl.Int64) for name in _KEYS)
    one = ((bins * 64 + place) * 8 + target + 1) * 8 + predicted + 1  # the four keys as one number, which sorts in a third of the time
    keyed = cells.with_columns(one.alias("key")).sort("key", maintain_order=True)
    key, ordered = keyed["key"].to_numpy(), keyed.drop("key")
    starts = np.flatnonzero(np.diff(key, prepend=-1))
    if not len(starts):
        return ordered
    sums = {name: np.add.reduceat(ordered[name].to_numpy(), starts) for name in ordered.columns if name not in _KEYS}
    return ordered.select(_KEYS)[starts].with_columns(pl.Series(name, values) for name, values in sums.items())


def coarser(cells: pl.DataFrame) -> pl.DataFrame:
    """Fewer cells, to draw intervals from."""
    import polars as pl

    return settled(cells.with_columns(pl.col("bin") // 2**_COARSE))


def within(bins: np.ndarray, positive: np.ndarray, weight: Array) -> float:
    """How far the area under the curve can be off because pairs within a bin count half."""
    import numpy as np

    place = np.unique(bins, return_inverse=True)[1]
    ups, downs = (np.bincount(place, weights=weight * of) for of in (positive, ~positive))
    pairs = float(ups.sum() * downs.sum())
    return float((ups * downs).sum()) / (2 * pairs) if pairs else 0.0


def _bins(score: Array) -> np.ndarray:
    """Ascending with the score."""
    import numpy as np

    near = (np.minimum(score, 1.0 - score).astype(np.float32).view(np.int32) >> _DROPPED).astype(np.int32)
    return np.where(score <= 0.5, near, 2 * _HALF + 1 - near).astype(np.int32)
