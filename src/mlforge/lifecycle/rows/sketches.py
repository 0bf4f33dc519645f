"""What is kept of a column's values while they pass: a few kilobytes, however many rows there are.

Every sketch is deterministic: the same frames in the same order leave the same sketch.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import polars as pl

__all__ = ["SAMPLE", "Distinct", "Frequent", "Quantiles", "places"]

SAMPLE = 16_384  # values taken of a frame, and points that a sketch of quantiles has
_HELD = 4 * SAMPLE  # points that lie in memory before they are made fewer
_EARLY = 8  # frames
_SMALLEST = 2048  # hashes
_SEED = 0x6D6C66
_LISTED = 64
_COUNTED = 1024
_LONGEST = 80  # characters of a value


def places(rows: int, frame: int) -> pl.Series | None:
    """Positions of the rows of a frame that are looked at, one at random in each stretch; None for all. Fewer once there are many frames."""
    taken = SAMPLE if frame < _EARLY else SAMPLE // 4
    if rows <= taken:
        return None
    return pl.Series(((np.arange(taken) + np.random.default_rng((_SEED, frame)).random(taken)) * (rows / taken)).astype(np.int64))


class Quantiles:
    """Quantiles of numbers: exact up to 65,536 of them, else within half a per cent of the rows."""

    def __init__(self) -> None:
        self._values: list[np.ndarray] = []
        self._weights: list[np.ndarray] = []
        self._held = 0

    def add(self, sample: pl.Series, of: int) -> None:
        """Values of a frame, missing ones apart, that stand for `of` of them."""
        values = sample.cast(pl.Float64).to_numpy()
        if not len(values):
            return
        self._take(values, np.full(len(values), of / len(values)))
        if self._held > _HELD:
            self._thin()

    def at(self, shares: list[float]) -> list[float]:
        """The smallest value that so large a share does not exceed."""
        if not self._held:
            return []
        values, weights = self._sorted()
        reached = np.cumsum(weights)
        found = np.searchsorted(reached, np.array(shares) * reached[-1] * (1 - 1e-12))
        return [float(value) for value in values[np.minimum(found, len(values) - 1)]]

    def _take(self, values: np.ndarray, weights: np.ndarray) -> None:
        self._values.append(values)
        self._weights.append(weights)
        self._held += len(values)

    def _sorted(self) -> tuple[np.ndarray, np.ndarray]:
        values, weights = np.concatenate(self._values), np.concatenate(self._weights)
        order = np.argsort(values, kind="stable")
        return values[order], weights[order]

    def _thin(self) -> None:
        """Points that stand for equal shares, each from the middle of its own."""
        values, weights = self._sorted()
        reached = np.cumsum(weights)
        kept = values[np.searchsorted(reached, (np.arange(SAMPLE) + 0.5) / SAMPLE * reached[-1])]
        self._values, self._weights, self._held = [], [], 0
        self._take(kept, np.full(SAMPLE, reached[-1] / SAMPLE))


class Distinct:
    """How many distinct values there are: exact below 2,048, else to about 2 % (k minimum values: Bar-Yossef et al., 2002)."""

    def __init__(self) -> None:
        self._least = pl.Series([], dtype=pl.UInt64)

    def wanted(self, values: pl.Expr) -> pl.Expr:
        """Of a column, the hashes that may count."""
        hashes = values.drop_nulls().hash(_SEED)
        return hashes.filter(hashes < int(self._least[-1])) if len(self._least) == _SMALLEST else hashes.unique()

    def add(self, hashes: pl.Series) -> None:
        """What was `wanted` of a frame."""
        if len(hashes):
            self._least = pl.concat([self._least, hashes]).unique().sort().head(_SMALLEST)

    @property
    def count(self) -> int:
        """The number, or its estimate."""
        if len(self._least) < _SMALLEST:
            return len(self._least)
        return round((_SMALLEST - 1) / (int(self._least[-1]) / 2.0**64))


class Frequent:
    """The most frequent values with their counts; exact up to 1,024 distinct values, else too low by at most `missed` (Misra and Gries, 1982)."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self.missed = 0

    def add(self, counts: pl.DataFrame) -> None:
        """The distinct values of a frame, missing ones apart, and how often each is there."""
        if counts.height > _COUNTED:
            counts = counts.sort("count", "value", descending=[True, False])
            least = int(counts["count"][_COUNTED])
            self.missed += least
            counts = counts.head(_COUNTED).with_columns(pl.col("count") - least).filter(pl.col("count") > 0)
        self._counts.update(dict(counts.select(pl.col("value").cast(pl.String), pl.col("count").cast(pl.Int64)).iter_rows()))
        if len(self._counts) > _COUNTED:
            least = self._ranked()[_COUNTED][1]
            self.missed += least
            self._counts = Counter({value: count - least for value, count in self._counts.items() if count > least})

    def listed(self) -> list[list[str | int]]:
        """Value and count, the most frequent first."""
        return [[value if len(value) <= _LONGEST else value[:_LONGEST] + "…", count] for value, count in self._ranked()[:_LISTED]]

    def _ranked(self) -> list[tuple[str, int]]:
        return sorted(self._counts.items(), key=lambda item: (-item[1], item[0]))
