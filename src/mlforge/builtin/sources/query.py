"""The query source."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field, field_validator

from mlforge.components import Parts, Source
from mlforge.errors import DataError, nearest

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Query"]

_READERS = re.compile(r"\b(read|scan)_\w+", re.IGNORECASE)
_SELECT = re.compile(r"\s*(select|with)\b", re.IGNORECASE)
_MIXES = re.compile(r"\b(join|group\s+by|distinct|union|intersect|except)\b", re.IGNORECASE)
_ORDER = re.compile(r"\border\s+by\b", re.IGNORECASE)
_ROWS = 65_536


class Query(Source):
    """Several sources as one table: joined, filtered, selected and derived by a query in SQL.

    Polars runs the query, as a stream where it can. Columns of csv and excel sources are text: CAST(amount AS DOUBLE).
    """

    libraries: ClassVar[tuple[str, ...]] = ("polars",)

    sources: Parts = Field(min_length=1, description="the tables of the query, by name: `orders: {use: csv, path: orders.csv}`")
    sql: str = Field(min_length=1, description="SELECT … FROM orders JOIN people USING (id) ORDER BY …")

    @field_validator("sql")
    @classmethod
    def _reads_its_sources(cls, value: str) -> str:
        if not _SELECT.match(value):
            raise ValueError("a query that begins with SELECT or WITH")
        if ";" in value.rstrip().rstrip(";"):
            raise ValueError("a single query, without a semicolon in it")
        if found := _READERS.search(value):
            raise ValueError(f"a query over its sources only, and {found[0]} reads files")
        if _MIXES.search(value) and not _ORDER.search(value):
            raise ValueError("a query with ORDER BY: after a join or a grouping, rows come in any order, and must come in the same order each time")
        return value.rstrip().rstrip(";")

    def fingerprint(self) -> str:
        """The fingerprints of its sources."""
        return "; ".join(f"{name}: {source.fingerprint()}" for name, source in self.sources.items())

    def witnessed(self) -> str:
        """What its sources have read."""
        return "; ".join(f"{name}: {source.witnessed()}" for name, source in self.sources.items())

    def watched(self) -> tuple[Path, ...] | None:
        """What its sources watch."""
        every = [source.watched() for source in self.sources.values()]
        return None if any(one is None for one in every) else tuple(path for one in every for path in one or ())

    def scan(self) -> pl.LazyFrame:
        """The rows that the query gives."""
        import polars as pl

        frames = {name: source.scan() for name, source in self.sources.items()}
        try:
            rows = pl.SQLContext(frames).execute(self.sql, eager=False)
            rows.collect_schema()
        except (pl.exceptions.PolarsError, TypeError, ValueError) as error:
            raise _refused(str(error), frames) from None
        return rows

    def diagnose(self, error: Exception) -> DataError:
        """Let the source that cannot be read say so; else it is the query."""
        for source in self.sources.values():
            try:
                for _ in source.batches(_ROWS):
                    pass
            except DataError as found:
                return found
        return _refused(str(error), {})


def _refused(told: str, frames: dict[str, pl.LazyFrame]) -> DataError:
    first = (told.strip() or "it cannot be run").splitlines()[0][:300]
    known = [*frames, *(name for frame in frames.values() for name in frame.collect_schema().names())]
    word = re.search(r"[\"']([^\"']+)[\"']", first) or re.match(r"(\w+)$", first)
    return DataError(f"source.sql: {first}", hint=(nearest(word[1], known) if word else "") or "Tables are the names under source.sources.")
