"""Weighted sums over rows, for many weightings at once.

By einsum and not by `@`: BLAS is slower for matrices this tall and thin, fights other processes for the cores, and its last digits depend on their number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from mlforge.builtin.probes.resampling import Array

__all__ = ["mean", "totals"]

_FEW = 8  # groups up to which going through all rows for each is faster than sorting the rows


def mean(values: Array, weights: Array) -> Array:
    """The weighted mean of `values` under each of the weightings [rows, weightings]; NaN where they add up to nothing."""
    import numpy as np

    total = weights.sum(axis=0)
    means: Array = np.divide(np.einsum("n,nb->b", values, weights), total, out=np.full_like(total, np.nan), where=total > 0)
    return means


def totals(group: np.ndarray, groups: int, weights: Array) -> Array:
    """The weight of each of so many groups, [groups, weightings]; rows whose group is negative belong to none."""
    import numpy as np

    if groups <= _FEW:
        few: Array = np.einsum("gn,nb->gb", (group == np.arange(groups)[:, None]).astype(np.float64), weights)
        return few
    order = np.argsort(group, kind="stable")[int((group < 0).sum()) :]
    ordered = group[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=-1))
    many = np.zeros((groups, weights.shape[1]))
    if len(starts):
        many[ordered[starts]] = np.add.reduceat(weights[order], starts, axis=0)
    return many
