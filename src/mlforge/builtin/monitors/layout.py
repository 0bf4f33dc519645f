"""How the values of columns are parted into bins, so that any number of rows is a few kilobytes of counts, and two profiles merge by addition.

The bins come from the reference: values with equal shares of its rows, or its most frequent categories. A window's counts in them lose nothing that a test of
drift needs: distribution functions are compared in up to 255 places, which the window does not choose.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

__all__ = ["BINS", "Binned", "Layout", "finite"]

BINS = 256  # of values that are there, at most; bin 0 is for missing ones


@dataclass(frozen=True)
class Binned:
    """The bins of one column. Of numbers: up to each edge, and one above. Of categories: one for each label, and one for all others."""

    column: str
    edges: tuple[float, ...] | None  # of numbers
    labels: tuple[str, ...] = ()

    @property
    def numeric(self) -> bool:
        """Has it an order."""
        return self.edges is not None

    @property
    def width(self) -> int:
        """How many bins, those for missing values and for what is above or other included."""
        return 2 + (len(self.labels) if self.edges is None else len(self.edges))

    @classmethod
    def of(cls, column: str, sample: pl.Series) -> Self:
        """The bins that a sample of the reference asks for: numbers as doubles, anything else as text."""
        import numpy as np
        import polars as pl

        if sample.dtype != pl.Float64:
            counts = sample.drop_nulls().value_counts(name="count").sort("count", sample.name, descending=[True, False])
            return cls(column, None, tuple(counts[sample.name].head(BINS - 1)))
        every = finite(sample)
        edges = np.unique(every)
        if len(edges) >= BINS:
            edges = np.unique(every[(np.arange(1, BINS) * (len(every) / BINS)).astype(np.int64)])
        return cls(column, tuple(edges.tolist()))

    def counts(self, values: pl.Series) -> np.ndarray:
        """How many values lie in each bin."""
        import numpy as np

        if self.edges is None:
            told = values.value_counts(name="count")
            codes = [0 if value is None else self._places.get(value, self.width - 1) for value in told[values.name]]
            counts = np.bincount(np.array(codes, dtype=np.int64), weights=told["count"].to_numpy(), minlength=self.width)
            return counts.astype(np.int64)
        every = finite(values)
        below = np.searchsorted(every, np.array(self.edges), side="right")
        return np.concatenate([[len(values) - len(every)], np.diff(below, prepend=0, append=len(every))]).astype(np.int64)

    @cached_property
    def _places(self) -> dict[str, int]:
        """The bins of labels."""
        return dict(zip(self.labels, range(1, len(self.labels) + 1), strict=True))

    def codes(self, values: pl.Series) -> np.ndarray:
        """The bin of each value."""
        import numpy as np
        import polars as pl

        if self.edges is None:
            places = self._places
            codes = values.replace_strict(places, default=self.width - 1, return_dtype=pl.Int64) if places else pl.repeat(1, len(values), eager=True)
            return np.where(values.is_null().to_numpy(), 0, codes.to_numpy()).astype(np.int64)
        numbers = values.to_numpy()
        return np.where(np.isfinite(numbers), np.searchsorted(np.array(self.edges), numbers) + 1, 0).astype(np.int64)


@dataclass(frozen=True)
class Layout:
    """The bins of several columns, one behind the other."""

    columns: tuple[Binned, ...]

    @classmethod
    def of(cls, sample: pl.DataFrame) -> Self:
        """The bins for these columns of a sample."""
        return cls(tuple(Binned.of(series.name, series) for series in sample.iter_columns()))

    @cached_property
    def starts(self) -> np.ndarray:
        """Where each column's bins begin."""
        import numpy as np

        return np.concatenate([[0], np.cumsum([one.width for one in self.columns])[:-1]]).astype(np.int64) if self.columns else np.zeros(0, dtype=np.int64)

    @property
    def width(self) -> int:
        """All bins."""
        return sum(one.width for one in self.columns)

    def counts(self, rows: pl.DataFrame) -> np.ndarray:
        """How many rows lie in each bin of each column; a column that is not there is missing in all of them."""
        import numpy as np

        return np.concatenate([one.counts(rows[one.column]) if one.column in rows.columns else _missing(one, rows.height) for one in self.columns])

    def spread(self, flat: np.ndarray) -> np.ndarray:
        """Flat counts as a table [columns, most bins], with 0 behind the bins of a column."""
        import numpy as np

        told = np.zeros((len(self.columns), max(one.width for one in self.columns)))
        for place, (start, one) in enumerate(zip(self.starts, self.columns, strict=True)):
            told[place, : one.width] = flat[start : start + one.width]
        return told

    def table(self) -> pl.DataFrame:
        """As a profile keeps it: a row for each bin that an edge or a label begins or ends."""
        import polars as pl

        rows = [(one.column, one.numeric, edge, label) for one in self.columns for edge, label in _ends(one)]
        return pl.DataFrame(rows, schema={"column": pl.String, "numeric": pl.Boolean, "edge": pl.Float64, "label": pl.String}, orient="row")

    @classmethod
    def from_table(cls, table: pl.DataFrame) -> Layout:
        """What `table` has told; the same table is read once."""
        known = _READ.get(id(table))
        if known is not None and known[0] is table:
            return known[1]
        made: list[Binned] = []
        for part in table.partition_by("column", maintain_order=True):
            ends = part.drop_nulls("edge")["edge"].to_list() if part["numeric"][0] else None
            made.append(Binned(part["column"][0], None if ends is None else tuple(ends), tuple(part["label"].drop_nulls())))
        if len(_READ) >= _KNOWN:
            _READ.clear()
        layout = cls(tuple(made))
        _READ[id(table)] = (table, layout)  # it lives as long as its number is known by
        return layout


_KNOWN = 64
_READ: dict[int, tuple[pl.DataFrame, Layout]] = {}
"""Tables of references that were read: a window a second is held against the same one."""


def finite(values: pl.Series) -> np.ndarray:
    """The numbers that are there, sorted."""
    import numpy as np

    numbers = values.to_numpy()
    every = np.sort(numbers)  # NaN comes last
    end = np.searchsorted(every, np.inf) if len(every) else 0
    return every[np.searchsorted(every, -np.inf, side="right") if len(every) else 0 : end]


def _ends(one: Binned) -> Iterable[tuple[float | None, str | None]]:
    if one.edges is not None:
        return [(edge, None) for edge in one.edges] or [(None, None)]
    return [(None, label) for label in one.labels] or [(None, None)]


def _missing(one: Binned, rows: int) -> np.ndarray:
    import numpy as np

    counts = np.zeros(one.width, dtype=np.int64)
    counts[0] = rows
    return counts
