"""A uniform sample of rows that merges exactly: the rows whose position has the smallest hashes.

However the rows are cut into partitions, and in whatever grouping profiles are merged, the same rows are kept. Up to `limit` rows, all of them are.
Text is kept as a hash, so that a sample holds no names or addresses.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from mlforge.artifact import ROW
from mlforge.contract import Contract
from mlforge.window import Profile, Window

if TYPE_CHECKING:
    import polars as pl

__all__ = ["LIMIT", "ORDER", "PART", "coded", "comparable", "merged", "numeric", "sampled"]

LIMIT = 20_000  # rows of a sample unless its probe says otherwise
ORDER, PART = "__order__", "__part__"  # the hash of a row's position, and its part of the split ("" when the rows are not split)
_SEED = 0x73616D70
_NUMBERS = frozenset({"int", "float", "bool", "datetime"})
_WORDS = frozenset({"category", "string"})


def comparable(contract: Contract, *roles: str) -> tuple[str, ...]:
    """Keys of the columns with these roles whose values can be compared: numbers, times and categories."""
    return tuple(key for key, column in contract.columns.items() if column.role in roles and column.dtype in _NUMBERS | _WORDS)


def numeric(contract: Contract, key: str) -> bool:
    """Has the column an order."""
    return contract.columns[key].dtype in _NUMBERS


def coded(contract: Contract, key: str) -> pl.Expr:
    """A column as a number: its value as a double (seconds since 1970 for a time), or the hash of its text; null where it is missing."""
    import polars as pl

    column = pl.col(key)
    if contract.columns[key].dtype == "datetime":
        return (column.dt.epoch("us") / 1e6).alias(key)
    if numeric(contract, key):
        return column.cast(pl.Float64)
    text = column.cast(pl.String)
    return pl.when(text.is_not_null()).then(text.hash(_SEED)).alias(key)


def sampled(window: Window, values: Iterable[pl.Expr], limit: int) -> pl.DataFrame:
    """At most `limit` rows of the window: `ORDER`, `PART` and these values of each."""
    import polars as pl

    names = window.rows.columns
    place = pl.col(ROW) if ROW in names else pl.int_range(pl.len())
    part = pl.col("part").cast(pl.String) if "part" in names else pl.lit("")
    chosen = window.rows.lazy().with_columns(place.cast(pl.Int64).hash(_SEED).alias(ORDER)).bottom_k(limit, by=ORDER)
    return chosen.sort(ORDER, maintain_order=True).select(ORDER, part.alias(PART), *values).collect(engine="in-memory")


def merged(one: Profile, other: Profile, limit: int) -> pl.DataFrame | None:
    """Two samples as one; None when neither profile has one."""
    import polars as pl

    tables = [profile.tables["sample"] for profile in (one, other) if "sample" in profile.tables]
    return pl.concat(tables).sort(ORDER, maintain_order=True).head(limit) if tables else None
