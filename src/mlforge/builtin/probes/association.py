"""How well one column alone tells the target, on rows that it was not learnt from.

One scale for all targets, from 0 (no better than guessing) to 1 (perfectly): 2·AUC − 1 for two classes, the share of guessing's errors that is avoided
for more (Goodman and Kruskal's λ), the share of the variance that is explained (R²) for values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from mlforge.builtin.probes.resampling import Array

__all__ = ["binned", "with_classes", "with_values"]

_BINS = 256
_ROWS_A_BIN = 10


def binned(values: np.ndarray, *, ordered: bool) -> np.ndarray:
    """A bin for each value; missing values (NaN, or masked as -1 in what is not ordered) have one of their own."""
    import numpy as np

    if not ordered:
        return np.unique(values, return_inverse=True)[1]
    known = values[~np.isnan(values)]
    distinct = np.unique(known)
    most = int(min(_BINS, max(2, len(known) // _ROWS_A_BIN)))
    edges = distinct if len(distinct) <= most else np.unique(np.quantile(known, np.linspace(0, 1, most + 1)[1:-1], method="lower"))
    return np.where(np.isnan(values), len(edges) + 1, np.searchsorted(edges, values))


def with_classes(bins: np.ndarray, classes: np.ndarray, fold: np.ndarray, values: np.ndarray | None) -> float:
    """Association with a target of classes 0 … k-1. `values` are the column's own where they are ordered: a perfect threshold is perfect in any bins."""
    import numpy as np

    width, size = int(classes.max()) + 1, int(bins.max()) + 1
    tables = [np.bincount(bins[fold == k] * width + classes[fold == k], minlength=size * width).reshape(size, width) for k in (0, 1)]
    scores = [_judged(tables[1 - k], tables[k]) for k in (0, 1) if tables[k].sum() and tables[1 - k].sum()]
    crossed = float(np.mean(scores)) if scores else 0.0
    if width == 2 and values is not None:
        known = ~np.isnan(values)
        crossed = max(crossed, abs(_ranked(values[known], classes[known])) * known.mean())
    return min(1.0, max(0.0, crossed))


def with_values(bins: np.ndarray, target: Array, fold: np.ndarray, values: np.ndarray | None) -> float:
    """Association with a target of numbers."""
    import numpy as np

    spread = float(((target - target.mean()) ** 2).mean())
    if spread <= 0:
        return 0.0
    size, error = int(bins.max()) + 1, 0.0
    for k in (0, 1):
        learnt, judged = fold != k, fold == k
        prior = float(target[learnt].mean()) if learnt.any() else float(target.mean())
        rows = np.bincount(bins[learnt], minlength=size)
        means = (np.bincount(bins[learnt], weights=target[learnt], minlength=size) + prior) / (rows + 1)
        means = np.where(rows > 0, np.divide(np.bincount(bins[learnt], weights=target[learnt], minlength=size), np.maximum(rows, 1)), means)
        error += float(((target[judged] - means[bins[judged]]) ** 2).sum())
    explained = 1 - error / (spread * len(target))
    if values is not None:
        known = ~np.isnan(values)
        explained = max(explained, _linear(values[known], target[known]) * known.mean())
    return min(1.0, max(0.0, explained))


def _judged(learnt: np.ndarray, judged: np.ndarray) -> float:
    """What the shares in one half's bins say of the other half's rows."""
    import numpy as np

    prior = learnt.sum(axis=0) / learnt.sum()
    shares = (learnt + prior) / (learnt.sum(axis=1, keepdims=True) + 1)
    if learnt.shape[1] > 2:
        right = judged[np.arange(len(judged)), shares.argmax(axis=1)].sum() / judged.sum()
        guessed = judged.sum(axis=0).max() / judged.sum()
        return float((right - guessed) / (1 - guessed)) if guessed < 1 else 0.0
    levels, place = np.unique(shares[:, 1], return_inverse=True)
    negative, positive = (np.bincount(place, weights=judged[:, k], minlength=len(levels)) for k in (0, 1))
    if not negative.sum() or not positive.sum():
        return 0.0
    below = np.cumsum(negative) - negative
    return float(2 * (positive * (below + negative / 2)).sum() / (positive.sum() * negative.sum()) - 1)


def _ranked(values: Array, classes: np.ndarray) -> float:
    """2·AUC − 1 of the values themselves."""
    import numpy as np

    positive = int(classes.sum())
    negative = len(classes) - positive
    if not positive or not negative:
        return 0.0
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2
    area = (ranks[place][classes == 1].sum() - positive * (positive + 1) / 2) / (positive * negative)
    return float(2 * area - 1)


def _linear(values: Array, target: Array) -> float:
    import numpy as np

    if len(values) < 3 or values.min() == values.max() or target.min() == target.max():
        return 0.0
    x, y = values - values.mean(), target - target.mean()
    return float(np.einsum("n,n->", x, y) ** 2 / (np.einsum("n,n->", x, x) * np.einsum("n,n->", y, y)))
