"""What the columns of a table look like, gathered while it is written."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from mlforge.artifact import write_json
from mlforge.contract import Column, Contract
from mlforge.lifecycle.rows.sketches import Distinct, Frequent, Quantiles, places
from mlforge.runtime.protections import Rule

__all__ = ["FILE", "TableProfile"]

FILE = "profile.json"
_NUMBERS = ("int", "float")
_COUNTED = ("category", "bool")
_SHARES = [number / 100 for number in range(101)]


@dataclass
class _Seen:
    """One column so far."""

    numbers: bool  # has it quantiles
    counted: bool  # are its values counted
    distinct: Distinct | None
    nulls: int = 0
    count: int = 0
    mean: float = 0.0
    squares: float = 0.0  # sum of squared distances from the mean
    least: float = math.inf
    most: float = -math.inf
    quantiles: Quantiles = field(default_factory=Quantiles)
    frequent: Frequent = field(default_factory=Frequent)

    def looks(self, key: str) -> Iterator[tuple[str, pl.Expr]]:
        """What is asked of a frame, all at once."""
        if self.counted:
            yield "counts", pl.col(key).drop_nulls().value_counts(name="count").struct.rename_fields(["value", "count"])
        elif self.distinct is not None:
            yield "hashes", self.distinct.wanted(pl.col(key))
        if self.numbers:
            value = pl.col(key).cast(pl.Float64)  # a time: microseconds since 1970
            yield "figures", pl.struct(count=value.count(), mean=value.mean(), var=value.var(ddof=0), min=value.min(), max=value.max())

    def take(self, looked: Mapping[str, pl.Series]) -> None:
        """What came of it, for a frame with any value."""
        if "counts" in looked:
            counts = looked["counts"].struct.unnest()
            self.frequent.add(counts)
            if self.distinct is not None:  # a column that is counted has few distinct values: only those are hashed
                self.distinct.add(counts.select(self.distinct.wanted(pl.col("value"))).to_series())
        if "hashes" in looked and self.distinct is not None:
            self.distinct.add(looked["hashes"].drop_nulls())
        if "figures" in looked:
            figures = looked["figures"][0]
            self.merge(figures["count"], figures["mean"], (figures["var"] or 0.0) * figures["count"], figures["min"], figures["max"])

    def merge(self, count: int, mean: float, squares: float, least: float, most: float) -> None:
        """The figures of a frame into these (Chan, Golub and LeVeque, 1979)."""
        together = self.count + count
        apart = mean - self.mean
        self.squares += squares + apart * apart * self.count * count / together
        self.mean += apart * count / together
        self.count = together
        self.least, self.most = min(self.least, least), max(self.most, most)


class TableProfile:
    """Nulls, ranges, quantiles, frequencies and numbers of distinct values of every column, in constant memory.

    Rows are profiled as they are kept, after protection. Of columns with personal data that is kept as it is, and of pseudonyms, no value is told.
    """

    def __init__(self, contract: Contract, rules: Mapping[str, Rule]) -> None:
        self._columns = {key: _begun(column, rules.get(key)) for key, column in contract.columns.items() if column.role != "ignore"}
        self.rows = 0
        self._frames = 0

    def add(self, rows: pl.DataFrame) -> None:
        """One more frame of the table."""
        if not rows.height:
            return
        looked = rows.select([expr.implode().alias(f"{key}/{what}") for key, seen in self._columns.items() for what, expr in seen.looks(key)])
        taken = places(rows.height, self._frames)
        sample = rows.select([key for key, seen in self._columns.items() if seen.numbers])
        sample = sample if taken is None else sample[taken]
        for key, seen in self._columns.items():
            nulls = rows[key].null_count()
            seen.nulls += nulls
            if nulls == rows.height:
                continue
            seen.take({what: looked[f"{key}/{what}"].explode() for what, _ in seen.looks(key)})
            if seen.numbers:
                seen.quantiles.add(sample[key].drop_nulls(), rows.height - nulls)
        self.rows += rows.height
        self._frames += 1

    def write(self, folder: Path) -> None:
        """Write what was seen."""
        write_json(folder / FILE, {"rows": self.rows, "columns": {key: self._told(seen) for key, seen in self._columns.items()}})

    def _told(self, seen: _Seen) -> dict[str, Any]:
        told: dict[str, Any] = {"nulls": seen.nulls}
        if seen.distinct is not None:
            told["distinct"] = seen.distinct.count
        if seen.counted:
            told |= {"frequent": seen.frequent.listed(), "frequent_missed": seen.frequent.missed}
        if seen.numbers and seen.count:
            deviation = math.sqrt(max(0.0, seen.squares / seen.count))
            told |= {"mean": seen.mean, "deviation": deviation, "min": seen.least, "max": seen.most, "quantiles": self._quantiles(seen)}
        return told

    def _quantiles(self, seen: _Seen) -> list[float]:
        middle = seen.quantiles.at(_SHARES[1:-1])
        return [seen.least, *middle, seen.most]


def _begun(column: Column, rule: Rule | None) -> _Seen:
    hidden = rule.kind == "pseudonym" if rule is not None else column.pii is not None
    nested = column.dtype.startswith("array") or column.dtype == "image"
    return _Seen(
        numbers=column.dtype in (*_NUMBERS, "datetime") and not hidden and column.role != "id",
        counted=column.dtype in _COUNTED and not hidden and column.role != "id",
        distinct=None if nested else Distinct(),
    )
