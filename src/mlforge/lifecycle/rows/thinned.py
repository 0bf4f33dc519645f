"""A few rows for a smoke run, from all over the source."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from mlforge.contract import Contract

__all__ = ["thinned"]

_AT = "\0at"  # name of a column that no source has
_ROWS = 512  # from all over
_EACH = 24  # of each class, from where it begins
_CLASSES = 100
_READ = 10_000_000  # rows that are looked at


def thinned(frames: Iterable[pl.DataFrame], contract: Contract) -> pl.DataFrame | None:
    """Rows at even distances, and the first of each class of the targets, in the source's order: also of a source that is sorted by class, group or time.

    Deterministic; in memory are never more than some thousand rows. Of a very long source, its first ten million rows are looked at.
    """
    evenly, classes = _Evenly(), [_Classes(contract.real_name(key)) for key in contract.having("target") if _named(contract, key)]
    seen = 0
    for frame in frames:
        numbered = frame.with_row_index(_AT, seen).with_columns(pl.col(_AT).cast(pl.UInt64))
        seen += frame.height
        evenly.add(numbered)
        for one in classes:
            one.add(numbered)
        if seen >= _READ:
            break
    if not seen:
        return None
    parts = [evenly.rows(), *(part for one in classes for part in one.kept)]
    return pl.concat(parts).unique(_AT, keep="any").sort(_AT).drop(_AT)


class _Evenly:
    """Every n-th row, where n grows with the source."""

    def __init__(self) -> None:
        self._step, self._kept, self._frames = 1, 0, list[pl.DataFrame]()

    def add(self, frame: pl.DataFrame) -> None:
        """Look at the next rows."""
        rows = frame.filter(pl.col(_AT) % self._step == 0)
        self._frames.append(rows)
        self._kept += rows.height
        while self._kept > 2 * _ROWS:
            self._step *= 2
            self._frames = [pl.concat(self._frames).filter(pl.col(_AT) % self._step == 0)]
            self._kept = self._frames[0].height

    def rows(self) -> pl.DataFrame:
        """The rows that are kept, the last one counted in."""
        rows = pl.concat(self._frames)
        most = min(rows.height, _ROWS)
        return rows.select(pl.all().gather([number * (rows.height - 1) // max(most - 1, 1) for number in range(most)]))


class _Classes:
    """The first rows of each value of a column."""

    def __init__(self, column: str) -> None:
        self._column, self._counts = column, dict[object, int]()
        self.kept: list[pl.DataFrame] = []

    def add(self, frame: pl.DataFrame) -> None:
        """Look at the next rows."""
        if self._column not in frame.columns:
            return  # the contract says so
        values = pl.col(self._column)
        full = [value for value, count in self._counts.items() if count >= _EACH]
        rest = frame.filter(values.is_not_null() & ~values.is_in(pl.Series(full, dtype=frame.schema[self._column]).implode()))
        for (value,), rows in rest.group_by(self._column, maintain_order=True):
            had = self._counts.get(value, 0)
            if value not in self._counts and len(self._counts) >= _CLASSES:
                return
            self.kept.append(rows.head(_EACH - had))
            self._counts[value] = min(had + rows.height, _EACH)


def _named(contract: Contract, key: str) -> bool:
    """Is the target one of names, and no quantity."""
    return contract.columns[key].dtype in ("category", "string", "bool")
