"""Places from 0 to 1 into parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

__all__ = ["hashed_place", "part_of"]


def hashed_place(hashed: pl.Expr) -> pl.Expr:
    """64 bits of hash as a number from 0 to 1."""
    import polars as pl

    return hashed.cast(pl.Float64) / 2.0**64


def part_of(place: pl.Expr, validation: float, test: float) -> pl.Expr:
    """Test below `test`, then validation, then train."""
    import polars as pl

    return pl.when(place < test).then(pl.lit("test")).when(place < test + validation).then(pl.lit("validation")).otherwise(pl.lit("train")).alias("part")
