"""How well scores rank rows: weighted, exact under ties, for many weightings at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from mlforge.builtin.probes.resampling import Array

__all__ = ["average_precision", "by_score", "roc_auc"]


def roc_auc(score: Array, positive: np.ndarray, weights: Array) -> Array:
    """The area under the receiver operating characteristic: the chance that a positive row scores above a negative one, ties counting half.

    `weights` is [rows, weightings]; the answer has one value for each, NaN where a class has no weight.
    """
    import numpy as np

    _, ups, downs = by_score(score, positive, weights)
    below = np.cumsum(downs, axis=0) - downs / 2
    return _ratio((ups * below).sum(axis=0), ups.sum(axis=0) * downs.sum(axis=0))


def average_precision(score: Array, positive: np.ndarray, weights: Array) -> Array:
    """The area under the precision-recall curve as a step function: the mean precision at the positive rows (no linear interpolation, which flatters)."""
    import numpy as np

    _, ups, downs = by_score(-score, positive, weights)
    hits = np.cumsum(ups, axis=0)
    called = hits + np.cumsum(downs, axis=0)
    precision = np.divide(hits, called, out=np.zeros_like(hits), where=called > 0)
    return _ratio((ups * precision).sum(axis=0), hits[-1])


def by_score(score: Array, positive: np.ndarray, weights: Array) -> tuple[Array, Array, Array]:
    """The distinct scores, ascending, and the weights of the positive and of the negative rows at each."""
    import numpy as np

    order = np.argsort(score, kind="stable")
    score, positive, weights = score[order], positive[order, None], weights[order]
    ups = weights * positive
    downs = weights - ups
    starts = np.flatnonzero(np.r_[True, score[1:] != score[:-1]])
    if len(starts) == len(score):
        return score, ups, downs
    return score[starts], np.add.reduceat(ups, starts, axis=0), np.add.reduceat(downs, starts, axis=0)


def _ratio(above: Array, below: Array) -> Array:
    import numpy as np

    return np.divide(above, below, out=np.full_like(above, np.nan), where=below > 0)
