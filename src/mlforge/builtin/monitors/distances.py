"""How far a window's counts are from the reference's, and how likely that is by chance: for all columns of a family at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from mlforge.builtin.monitors.tails import gamma, kolmogorov, poisson

if TYPE_CHECKING:
    import numpy as np

    from mlforge.builtin.monitors.layout import Layout
    from mlforge.builtin.monitors.tails import Array

__all__ = ["Distances", "Yardstick"]

_EXPECTED = 3.0  # rows that a category must be expected to have in the smaller sample; rarer ones are pooled
_LIGHT = 1.5  # in few rows, the tail of chi-squared is heavier than that of the gamma distribution: by how much, found by simulation (benchmarks/alarms.py)
_RARE = 0.1  # of the chance of a false alarm, what is given to rows of rare and unseen categories


@dataclass(frozen=True)
class Distances:
    """For each column: the chance under no drift, and by how much it has moved."""

    p: Array
    moved: Array  # numbers: standard deviations of the reference (Wasserstein's distance); categories: total variation
    missing: Array  # by how much the share of missing values has changed
    statistic: Array  # Kolmogorov and Smirnov's distance of numbers; total variation of categories

    def effect(self) -> Array:
        """What is held against the floor: the larger of both ways to move."""
        import numpy as np

        return np.maximum(self.moved, self.missing)


@dataclass(frozen=True)
class Yardstick:
    """The reference's counts in a layout, and the spread of its numbers."""

    layout: Layout
    counts: np.ndarray  # flat
    deviations: Array  # of each column; 0 for categories
    means: Array

    @cached_property
    def numeric(self) -> np.ndarray:
        """Which columns have an order."""
        import numpy as np

        return np.array([one.numeric for one in self.layout.columns], dtype=bool)

    @cached_property
    def gaps(self) -> Array:
        """[columns, bins]: how far each bin's upper edge is from the next one, in standard deviations; 0 where there is none."""
        import numpy as np

        told = np.zeros((len(self.layout.columns), max(one.width for one in self.layout.columns)))
        for place, (one, deviation) in enumerate(zip(self.layout.columns, self.deviations, strict=True)):
            if one.edges is not None and deviation > 0 and len(one.edges) > 1:
                told[place, 1 : len(one.edges)] = np.diff(np.array(one.edges)) / deviation
        return told

    def distances(self, window: Array, means: Array | None = None, reference: Array | None = None) -> Distances:
        """How far counts [columns, bins] are from the reference's. `means` of the window's numbers see what lies beyond the last bins."""
        import numpy as np

        theirs = self.layout.spread(self.counts) if reference is None else reference
        n, m = window.sum(axis=1), theirs.sum(axis=1)
        safe_n, safe_m = np.maximum(n, 1), np.maximum(m, 1)
        mine, other = window / safe_n[:, None], theirs / safe_m[:, None]
        p, moved, statistic = np.ones(len(n)), np.zeros(len(n)), np.zeros(len(n))
        some, enough = self.numeric, (n > 0) & (m > 0)
        if some.any():
            statistic[some] = np.abs(np.cumsum(mine[some] - other[some], axis=1)).max(axis=1)
            p[some] = kolmogorov(statistic[some], safe_n[some], safe_m[some])
            moved[some] = self._transported(window[some], theirs[some], None if means is None else means[some])
        if not some.all():
            statistic[~some] = moved[~some] = np.abs(mine[~some] - other[~some]).sum(axis=1) / 2
            p[~some] = _categories(window[~some], theirs[~some])
        missing = np.where(some, np.abs(mine[:, 0] - other[:, 0]), 0.0)
        return Distances(np.where(enough, p, 1.0), np.where(enough, moved, 0.0), np.where(enough, missing, 0.0), np.where(enough, statistic, 0.0))

    def _transported(self, window: Array, theirs: Array, means: Array | None) -> Array:
        """Wasserstein's distance of the values that are there, in standard deviations: the area between the distribution functions."""
        import numpy as np

        present, others = window[:, 1:].sum(axis=1, keepdims=True), theirs[:, 1:].sum(axis=1, keepdims=True)
        apart = np.abs(np.cumsum(window[:, 1:] / np.maximum(present, 1) - theirs[:, 1:] / np.maximum(others, 1), axis=1))
        sides = (apart[:, :-1] + apart[:, 1:]) / 2
        steps = self.gaps[self.numeric][:, 1:-1]
        discrete = np.array([one.width < 64 for one in self.layout.columns if one.numeric])  # between few values, the function is flat
        area = (np.where(discrete[:, None], apart[:, :-1], sides) * steps).sum(axis=1)
        if means is None:
            return np.where((present * others)[:, 0] > 0, area, 0.0)
        deviations = self.deviations[self.numeric]
        shift = np.abs(means - self.means[self.numeric]) / np.where(deviations > 0, deviations, np.inf)
        return np.where((present * others)[:, 0] > 0, np.maximum(area, np.where(np.isfinite(shift), shift, 0.0)), 0.0)


def _categories(window: Array, theirs: Array) -> Array:
    """Chi-squared over frequent categories, with its exact mean and variance (Dawson, 1954); and the rare and unseen ones by Poisson's law."""
    import numpy as np

    n, m = window.sum(axis=1, keepdims=True), theirs.sum(axis=1, keepdims=True)
    both, total = window + theirs, np.maximum(n + m, 1)
    frequent = both * np.minimum(n, m) / total >= _EXPECTED
    pool = [np.where(frequent, 0.0, counts).sum(axis=1, keepdims=True) for counts in (window, theirs)]
    rare = (pool[0] + pool[1])[:, 0]
    pooled = rare * np.minimum(n, m)[:, 0] / total[:, 0] >= _EXPECTED
    cells = [
        np.concatenate([np.where(frequent, counts, 0.0), np.where(pooled[:, None], rest, 0.0)], axis=1)
        for counts, rest in zip((window, theirs), pool, strict=True)
    ]
    column = cells[0] + cells[1]
    mine, other = (part.sum(axis=1, keepdims=True) for part in cells)
    some = np.maximum(mine, 1), np.maximum(other, 1)
    apart = np.where(column > 0, (cells[0] / some[0] - cells[1] / some[1]) ** 2 / np.maximum(column, 1), 0.0)
    p = gamma((some[0] * some[1])[:, 0] * apart.sum(axis=1), *_moments(column, mine[:, 0], other[:, 0]))
    p = p ** (1 - np.minimum(_LIGHT / np.sqrt(np.maximum(np.minimum(n, m)[:, 0], 1)), 0.5))
    few = np.where(pooled, 1.0, poisson(np.where(pooled, 0.0, pool[0][:, 0]), rare * (n / total)[:, 0]))
    told: Array = np.minimum(1.0, np.minimum(p / (1 - _RARE), few / _RARE))
    return told


def _moments(column: Array, n: Array, m: Array) -> tuple[Array, Array]:
    """Mean and variance of chi-squared over tables with these sums, when rows are dealt by chance."""
    import numpy as np

    total, width = n + m, (column > 0).sum(axis=1).astype(float)
    big = np.maximum(total, 10.0)
    v1, v2 = (big - 2) / (big - 1), (width - 1) * (big - width) / (big - 1)
    u1 = (big * (1 / np.maximum(n, 1) + 1 / np.maximum(m, 1)) - 4) / (big - 2)
    u2 = (big * np.where(column > 0, 1 / np.maximum(column, 1), 0.0).sum(axis=1) - width**2) / (big - 2)
    mean = (width - 1) * big / (big - 1)
    variance = 2 * big / (big - 3) * (v1 - u1) * (v2 - u2) + big**2 / (big - 1) * u1 * u2
    return np.where(width > 1, mean, 0.0), np.where(width > 1, np.maximum(variance, 1e-9), 0.0)
