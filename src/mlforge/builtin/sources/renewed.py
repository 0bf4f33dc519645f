"""The source renewed."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from mlforge.builtin.sources.files import content_digest, found, opened
from mlforge.builtin.sources.files import watched as watched_at
from mlforge.components import InputPath, Parts, Source
from mlforge.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

__all__ = ["Renewed"]

_PLACE = "__place__"
_SPREAD = 1_000_003  # by which places are thinned: evenly, and alike at every reading


class Renewed(Source):
    """What a retraining learns from: the rows that a model was made of, and after them labelled rows of its request log.

    `mlforge watch` chooses it. The file of newer rows is a copy that stays as it is, so that a retraining can be done again.
    """

    libraries: ClassVar[tuple[str, ...]] = ("polars",)

    path: InputPath = Field(description="parquet file of the newer rows, the oldest first, under their real names")
    before: Parts = Field(default_factory=dict, description="the recipe's own source: `{source: {use: csv, path: …}}`; none leaves its rows out")
    share: float = Field(default=1.0, gt=0, le=1, description="share of the rows of `before` that is taken, evenly")

    def fingerprint(self) -> str:
        """Of all of them."""
        return " + ".join([*(one.fingerprint() for one in self.before.values()), content_digest(found(self.path))])

    def witnessed(self) -> str:
        """What each of them has read."""
        return " + ".join([*(one.witnessed() for one in self.before.values()), content_digest(found(self.path))])

    def watched(self) -> tuple[Path, ...] | None:
        """The files of all of them, where each knows its own."""
        parts = [watched_at(self.path), *(one.watched() for one in self.before.values())]
        return None if None in parts else tuple(path for part in parts for path in part or ())

    def scan(self) -> pl.LazyFrame:
        """The rows of before, then the newer ones, typed alike: as texts where the source gives texts."""
        import polars as pl

        (file,) = opened(self.path)
        newer = pl.scan_parquet(file.path, glob=False)
        earlier = [self._thinned(one.scan()) for one in self.before.values()]
        if not earlier:
            return newer
        schema = earlier[0].collect_schema()
        if any(one.collect_schema() != schema for one in earlier):
            raise DataError("source.before: the sources differ in their columns or types", hint="Name one source, or several with the same columns.")
        there = newer.collect_schema()
        typed = [(pl.col(name) if name in there else pl.lit(None)).cast(kind, strict=False).alias(name) for name, kind in schema.items()]
        return pl.concat([*earlier, newer.select(typed)])

    def _thinned(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        import polars as pl

        if self.share >= 1:
            return rows
        place = pl.col(_PLACE).cast(pl.UInt64)
        taken = (place * 618_033 % _SPREAD).cast(pl.Float64) / _SPREAD < self.share  # multiples of the golden ratio: even in every stretch
        return rows.with_row_index(_PLACE).filter(taken).drop(_PLACE)
