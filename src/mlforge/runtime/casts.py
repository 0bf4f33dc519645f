"""From what a source gives to what a contract declares: one Polars expression per column.

A cell that cannot be read as the declared dtype becomes null; `mlforge.runtime.checks` tells it from a missing one by the column before the cast. The rules:

- A missing value is null, NaN, an empty or blank text, or one of the contract's `nulls` (with or without spaces around it).
- int: whole numbers; 3.0 and "3.0" are whole, 3.5 and true are not. float: finite numbers; true is none. Spaces around a number do not matter.
- bool: true and false in any case, and 1 and 0; yes, no, on and off are not.
- category, string, text: text as it stands; numbers become text (3.0 becomes "3"), booleans "true" and "false".
- datetime: ISO 8601, as text or as a time; a time without a zone is UTC; kept in UTC without a zone, in microseconds.
- array: a list of exactly as many finite numbers as the shape has, or lists of that shape; as text, the list as JSON writes it.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from functools import reduce

import polars as pl

from mlforge.contract import Column
from mlforge.runtime.arrays import array_sides, array_typed

__all__ = ["STRINGS", "array_size", "cleaned", "stored", "typed"]

STRINGS = frozenset({"category", "string", "text"})
_NUMBERS = frozenset({"int", "float"})
_NAN = ("nan", "NaN", "NAN")
_TIMES = ("%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d")
_ZONED = "%Y-%m-%dT%H:%M:%S%.f%#z"
_LARGEST = 2.0**63


def array_size(dtype: str) -> int | None:
    """How many values a cell of `array[float, 8x8]` has; None for other dtypes."""
    return math.prod(sides) if (sides := array_sides(dtype)) else None


def stored(column: Column, raw: pl.DataType) -> pl.DataType:
    """The Polars dtype in which a column's values travel."""
    size = array_size(column.dtype)
    if size is not None:
        return pl.Array(pl.Float64, size)
    if column.dtype == "image":
        return pl.Binary() if raw == pl.Binary else pl.String()
    return {"int": pl.Int64(), "float": pl.Float64(), "bool": pl.Boolean(), "datetime": pl.Datetime("us")}.get(column.dtype, pl.String())


def cleaned(name: str, raw: pl.DataType, dtype: str, nulls: tuple[str, ...]) -> pl.Expr:
    """The column as the source gave it, with null for every way to write a missing value; text that is to be cast has no spaces around it."""
    column = pl.col(name)
    if isinstance(raw, (pl.Categorical, pl.Enum)):
        column, raw = column.cast(pl.String), pl.String()
    if raw == pl.String:
        text = column.str.strip_chars()
        missing = _any_of(text, ["", *nulls, *(_NAN if dtype in _NUMBERS else ())])
        return pl.when(~missing).then(column if dtype in STRINGS else text)
    if raw.is_numeric():
        tokens = _numbers(nulls)
        column = column.fill_nan(None) if raw.is_float() else column
        return pl.when(~_any_of(column.cast(pl.Float64), tokens)).then(column) if tokens else column
    return column


def typed(value: pl.Expr, raw: pl.DataType, column: Column) -> pl.Expr:
    """A cleaned column, of dtype `raw` in the source, as its declared dtype, null where a cell is none of it."""
    if isinstance(raw, (pl.Categorical, pl.Enum)):
        raw = pl.String()
    if sides := array_sides(column.dtype):
        return array_typed(value, raw, sides)
    return _CASTS.get(column.dtype, _text)(value, raw)


def _any_of(value: pl.Expr, tokens: Sequence[str | float]) -> pl.Expr:
    """Is the value one of a few; much faster than `is_in` for as few as these."""
    return reduce(operator.or_, (value == token for token in tokens))


def _int(value: pl.Expr, raw: pl.DataType) -> pl.Expr:
    if raw.is_integer():
        return value.cast(pl.Int64, strict=False)
    if raw == pl.String:
        return pl.coalesce(value.cast(pl.Int64, strict=False), _whole(value.cast(pl.Float64, strict=False)))
    return _whole(value.cast(pl.Float64)) if raw.is_numeric() else _nothing(pl.Int64())


def _whole(value: pl.Expr) -> pl.Expr:
    return pl.when((value == value.floor()) & (value.abs() < _LARGEST)).then(value).cast(pl.Int64, strict=False)


def _float(value: pl.Expr, raw: pl.DataType) -> pl.Expr:
    if raw != pl.String and not raw.is_numeric():
        return _nothing(pl.Float64())
    number = value.cast(pl.Float64, strict=False)
    return number if raw.is_integer() else pl.when(number.is_finite()).then(number)


def _bool(value: pl.Expr, raw: pl.DataType) -> pl.Expr:
    if raw == pl.Boolean:
        return value
    if raw == pl.String:
        text = value.str.to_lowercase()
        return pl.when(text.is_in(["true", "1"])).then(True).when(text.is_in(["false", "0"])).then(False)
    return pl.when(value == 1).then(True).when(value == 0).then(False) if raw.is_numeric() else _nothing(pl.Boolean())


def _text(value: pl.Expr, raw: pl.DataType) -> pl.Expr:
    if raw == pl.String:
        return value
    if raw.is_float():
        return pl.coalesce(_whole(value).cast(pl.String), value.cast(pl.String))
    return value.cast(pl.String) if raw.is_numeric() or raw == pl.Boolean or raw.is_temporal() else _nothing(pl.String())


def _image(value: pl.Expr, raw: pl.DataType) -> pl.Expr:
    return value if raw in (pl.String, pl.Binary) else _nothing(pl.String())


def _datetime(value: pl.Expr, raw: pl.DataType) -> pl.Expr:
    if isinstance(raw, pl.Datetime):
        return (value.dt.convert_time_zone("UTC").dt.replace_time_zone(None) if raw.time_zone else value).dt.cast_time_unit("us")
    if raw == pl.Date:
        return value.cast(pl.Datetime("us"))
    if raw != pl.String:
        return _nothing(pl.Datetime("us"))
    text = value.str.replace(" ", "T", literal=True)
    naive = [text.str.to_datetime(form, strict=False, time_unit="us") for form in _TIMES]
    zoned = text.str.to_datetime(_ZONED, strict=False, time_unit="us", time_zone="UTC").dt.replace_time_zone(None)
    return pl.coalesce(*naive, zoned)


def _nothing(dtype: pl.DataType) -> pl.Expr:
    return pl.lit(None, dtype=dtype)


def _numbers(nulls: tuple[str, ...]) -> list[float]:
    parsed = pl.Series(list(nulls), dtype=pl.String).cast(pl.Float64, strict=False)
    return [number for number in parsed if number is not None and math.isfinite(number)]


_CASTS: dict[str, Callable[[pl.Expr, pl.DataType], pl.Expr]] = {"int": _int, "float": _float, "bool": _bool, "datetime": _datetime, "image": _image}
