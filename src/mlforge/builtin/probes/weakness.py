"""Searching rows for parts with a higher loss than the others, without being led by chance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise
from math import log
from statistics import NormalDist
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

__all__ = ["Segment", "discovered", "rejected", "welch"]

_PARTS = 4  # ranges of a column of numbers
_VALUES = 8  # values of any other column, the most frequent
_PAIRED = 16  # columns that pairs are made of
_MISSING = "missing"


@dataclass(frozen=True)
class Segment:
    """Some of the rows, and how they compare with the others."""

    where: tuple[tuple[str, str], ...]  # column and what it is
    mask: np.ndarray
    rows: int
    loss: float
    error: float  # standard error of the loss
    elsewhere: float
    effect: float  # the difference, in standard deviations of the others' loss
    p: float
    q: float = 1.0  # p after the correction

    @property
    def name(self) -> str:
        """ "age 25–38 and sex F"."""
        return " and ".join(f"{column} {what}" for column, what in self.where)


def discovered(columns: pl.DataFrame, loss: np.ndarray, minimum: int, effect: float, share: float) -> tuple[list[Segment], int]:
    """The weak parts, and among how many they were found: of single columns first, then of pairs."""
    cells = {key: list(_cells(columns[key], minimum)) for key in columns.columns}
    seen = [one for one in _segments(cells, loss, minimum) if one is not None]
    told = []
    for one, q in zip(seen, rejected([one.p for one in seen]), strict=True):
        if q <= share and one.effect >= effect:
            told.append(replace(one, q=q))
    singles = {one.where[0]: one for one in told if len(one.where) == 1}
    pairs = [one for one in told if len(one.where) == 2]
    level = share / max(1, len(pairs))  # Bonferroni: beside a column that is told, most of its pairs look weak
    own = [one for one in pairs if all(_worse(one, singles[part], loss, level) for part in one.where if part in singles)]
    return [*singles.values(), *own], len(seen)


def welch(mean: float, variance: float, rows: int, other_mean: float, other_variance: float, other_rows: int) -> float:
    """One-sided p-value of "the first mean is not larger" (Welch 1947), by Wallace's transformation of Student's t (1959): right to a few per cent far out."""
    squares = variance / rows + other_variance / other_rows
    if squares <= 0:
        return 0.0 if mean > other_mean else 1.0
    t = (mean - other_mean) / squares**0.5
    parts = (variance / rows) ** 2 / max(rows - 1, 1) + (other_variance / other_rows) ** 2 / max(other_rows - 1, 1)
    freedom = squares**2 / parts
    z = (8 * freedom + 1) / (8 * freedom + 3) * (freedom * log(1 + t * t / freedom)) ** 0.5
    return NormalDist().cdf(-z if t > 0 else z)


def rejected(p: Sequence[float]) -> list[float]:
    """Benjamini and Hochberg's adjusted p-values: those up to a share are told, and of these that share is expected to be false."""
    order = sorted(range(len(p)), key=lambda place: p[place])
    adjusted, smallest = [1.0] * len(p), 1.0
    for rank in range(len(p), 0, -1):
        place = order[rank - 1]
        smallest = min(smallest, p[place] * len(p) / rank)
        adjusted[place] = smallest
    return adjusted


def _segments(cells: Mapping[str, list[tuple[str, np.ndarray]]], loss: np.ndarray, minimum: int) -> Iterator[Segment | None]:
    for key, found in cells.items():
        yield from (_segment(((key, what),), mask, loss, minimum) for what, mask in found)
    for one, other in combinations(list(cells)[:_PAIRED], 2):
        for what, mask in cells[one]:
            yield from (_segment(((one, what), (other, also)), mask & second, loss, minimum) for also, second in cells[other])


def _segment(where: tuple[tuple[str, str], ...], mask: np.ndarray, loss: np.ndarray, minimum: int) -> Segment | None:
    """None when it or the rest has too few rows."""
    rows = int(mask.sum())
    others = len(loss) - rows
    if rows < minimum or others < minimum:
        return None
    inside, outside = loss[mask], loss[~mask]
    mean, variance, elsewhere, spread = float(inside.mean()), float(inside.var(ddof=1)), float(outside.mean()), float(outside.var(ddof=1))
    p = welch(mean, variance, rows, elsewhere, spread, others)
    size = (mean - elsewhere) / spread**0.5 if spread > 0 else float(mean > elsewhere)
    return Segment(where, mask, rows, mean, (variance / rows) ** 0.5, elsewhere, size, p)


def _worse(pair: Segment, single: Segment, loss: np.ndarray, level: float) -> bool:
    """Is the pair shown to be worse than the rest of a column's part that is told already."""
    rest = loss[single.mask & ~pair.mask]
    inside = loss[pair.mask]
    if len(rest) < 2:
        return False
    return welch(float(inside.mean()), float(inside.var(ddof=1)), len(inside), float(rest.mean()), float(rest.var(ddof=1)), len(rest)) <= level


def _cells(series: pl.Series, minimum: int) -> Iterator[tuple[str, np.ndarray]]:
    """What a column is in parts of the rows: ranges between quartiles, or its frequent values."""
    import polars as pl

    missing = series.is_null()
    if series.dtype.is_numeric() and series.n_unique() > _VALUES:
        yield from _ranges(series)
    else:
        counts = series.drop_nulls().value_counts(name="count").sort("count", pl.nth(0), descending=[True, False]).head(_VALUES)
        for value, count in counts.rows():
            if count >= minimum:
                yield (f"{value:g}" if isinstance(value, float) else str(value)), (series == value).fill_null(value=False).to_numpy()
    if int(missing.sum()) >= minimum:
        yield _MISSING, missing.to_numpy()


def _ranges(series: pl.Series) -> Iterator[tuple[str, np.ndarray]]:
    import numpy as np

    numbers = series.to_numpy().astype(float)
    there = numbers[np.isfinite(numbers)]
    edges = np.unique(np.quantile(there, np.linspace(0, 1, _PARTS + 1), method="lower")) if len(there) else np.array([])
    for number, (low, high) in enumerate(pairwise(edges)):
        last = number == len(edges) - 2
        with np.errstate(invalid="ignore"):
            yield f"{low:.4g}–{high:.4g}", (numbers >= low) & ((numbers <= high) if last else (numbers < high))
