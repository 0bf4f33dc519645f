"""When live rows were asked about: a column of times as they come, in UTC."""

from __future__ import annotations

import polars as pl

from mlforge.contract import Column
from mlforge.runtime.casts import cleaned, typed

__all__ = ["moments"]

_UTC = pl.Datetime("us", "UTC")
_EARLIEST, _LATEST = -(70 * 31_556_952), 230 * 31_556_952  # from 1900 to 2200, in seconds since 1970: what is beyond stands for "none", like 9999-12-31
_SECONDS = 1e8  # numbers in text from here on (1973) are seconds since 1970


def moments(column: pl.Series) -> pl.Series:
    """The times in a column: times, ISO 8601 or another form that can be told from the first of them, or seconds since 1970. Missing where there is none."""
    raw, frame = column.dtype, column.alias("at").to_frame()
    if isinstance(raw, pl.Datetime) and raw.time_zone in (None, "UTC") and _plausible(column):
        return column.alias("at").dt.replace_time_zone("UTC").dt.cast_time_unit("us")  # as our own log has them
    if raw.is_numeric():
        told = _counted(pl.col("at").cast(pl.Float64))
    elif raw == pl.String:
        number = pl.col("at").str.strip_chars().cast(pl.Float64, strict=False)
        iso = typed(cleaned("at", raw, "datetime", ()), raw, Column(dtype="datetime")).dt.replace_time_zone("UTC")
        told = pl.coalesce(iso, _counted(pl.when(number >= _SECONDS).then(number)))
        if frame.select(told.is_null().any()).item():
            told = pl.coalesce(told, pl.col("at").str.to_datetime(time_zone="UTC", time_unit="us", strict=False))
    elif isinstance(raw, pl.Datetime) and raw.time_zone is not None:
        told = pl.col("at").dt.convert_time_zone("UTC")
    else:
        told = pl.col("at").cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    seen = frame.select(told.cast(_UTC).alias("at"))
    return seen.select(pl.when(pl.col("at").dt.epoch("s").is_between(_EARLIEST, _LATEST)).then("at")).to_series()


def _plausible(column: pl.Series) -> bool:
    seconds = column.dt.epoch("s")
    low, high = seconds.min(), seconds.max()
    return isinstance(low, int) and isinstance(high, int) and low >= _EARLIEST and high <= _LATEST


def _counted(seconds: pl.Expr) -> pl.Expr:
    """Seconds since 1970, as far as they are a time at all."""
    some = pl.when(seconds.is_between(_EARLIEST, _LATEST)).then(seconds)
    return (some * 1e6).cast(pl.Int64).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
