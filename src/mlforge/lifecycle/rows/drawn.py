"""Some of many rows, the same ones however the rows are cut: those whose position has the smallest hash."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlforge.artifact import ROW

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Drawn"]

_SEED = 0x73616D70  # as probes draw: of the rows that are drawn here, they draw the same
_ORDER = "__drawn__"


class Drawn:
    """Takes in partitions and keeps at most so many rows."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: pl.DataFrame | None = None

    def add(self, rows: pl.DataFrame) -> None:
        """A partition."""
        import polars as pl

        if not self._most or rows.is_empty():
            return
        some = rows.with_columns(pl.col(ROW).cast(pl.Int64).hash(_SEED).alias(_ORDER)).bottom_k(self._most, by=[_ORDER, ROW])
        self._kept = some if self._kept is None else pl.concat([self._kept, some]).bottom_k(self._most, by=[_ORDER, ROW])

    def rows(self, count: int) -> pl.DataFrame | None:
        """So many of them, or all when there are fewer, in the order of their source; None when none are asked for or there are none."""
        if not count or self._kept is None:
            return None
        return self._kept.bottom_k(count, by=[_ORDER, ROW]).drop(_ORDER).sort(ROW)
