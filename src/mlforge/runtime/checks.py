"""The contract's checks as Polars expressions, and what to say of a cell that breaks one.

One truth for all who judge rows: ingest runs these expressions through Pandera, the predictor runs them on every request, the monitors on live windows.
They look at a *staged* frame (`mlforge.runtime.conform`): columns typed under the contract's keys, and beside them, named `raw(key)`, what was there
before the cast.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import polars as pl

from mlforge.contract import Check, Column
from mlforge.runtime.casts import STRINGS, array_size, stored

__all__ = ["broken", "label", "raw", "reason"]

_SHOWN = 40  # characters of a value in a reason
_LISTED = 6  # allowed values in a reason
_BOUNDS = {"ge": "below", "gt": "not above", "le": "above", "lt": "not below"}
_DTYPES = {"int": "an int", "float": "a finite number", "bool": "true or false", "datetime": "an ISO 8601 date or time", "image": "a path or bytes"}


def raw(key: str) -> str:
    """Where a staged frame keeps a column as it was before the cast."""
    return f"__raw__{key}"


def broken(check: Check, column: Column, *, cast: bool) -> pl.Expr:
    """Where the check does not hold: true, false, or null for a missing value. `cast` says whether the staged frame has the column before the cast."""
    value, before = pl.col(check.column), pl.col(raw(check.column))
    match check.rule:
        case "dtype":
            return value.is_null() & before.is_not_null() if cast else pl.lit(value=False)
        case "null":  # a cell of a wrong dtype is there, and is the dtype check's to tell
            return before.is_null() if cast else value.is_null()
        case "ge":
            return value < _bound(check.value, column)
        case "gt":
            return value <= _bound(check.value, column)
        case "le":
            return value > _bound(check.value, column)
        case "lt":
            return value >= _bound(check.value, column)
        case "values":
            return ~value.is_in(_allowed(check, column).implode())
        case "regex":
            return ~value.str.contains(_pattern(check))
        case "length":
            length, most = value.str.len_chars(), check.value["max"]
            short = length < pl.lit(check.value["min"])
            return short if most is None else short | (length > pl.lit(most))
        case "unique":
            return value.is_not_null() & ~value.is_first_distinct()


def label(check: Check, column: Column) -> str:
    """The broken check in words, without the cell: "age is above 100"."""
    return f"{column.name or check.column} {_says(check, column)}"


def reason(check: Check, column: Column, before: pl.DataType) -> pl.Expr:
    """The broken check in words, with the cell: "age 430 is above 100". Personal data is not shown. `before` is the dtype before the cast."""
    if check.rule == "null" or column.pii is not None:
        return pl.lit(label(check, column))
    shown = _shown(pl.col(raw(check.column)), before) if check.rule == "dtype" else _shown(pl.col(check.column), stored(column, before))
    return pl.concat_str(pl.lit(f"{column.name or check.column} "), shown, pl.lit(f" {_says(check, column)}"))


def _says(check: Check, column: Column) -> str:
    match check.rule:
        case "dtype":
            size = array_size(column.dtype)
            return f"is not {_DTYPES.get(column.dtype, 'text')}" if size is None else f"is not an array of {size} finite numbers"
        case "null":
            return "is missing"
        case "values":
            shown = ", ".join(_text(one) for one in check.value[:_LISTED])
            return f"is not one of {shown}" + (f" … {len(check.value) - _LISTED} more" if len(check.value) > _LISTED else "")
        case "regex":
            return f"does not match {check.value}"
        case "length":
            most = check.value["max"]
            return f"is not {check.value['min']} to {most} characters long" if most is not None else f"is shorter than {check.value['min']} characters"
        case "unique":
            return "appears more than once"
        case _:
            return f"is {_BOUNDS[check.rule]} {check.value}"


def _shown(value: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    if dtype == pl.String:
        cut = pl.when(value.str.len_chars() > _SHOWN).then(pl.concat_str(value.str.slice(0, _SHOWN), pl.lit("…"))).otherwise(value)
        return pl.concat_str(pl.lit("'"), cut, pl.lit("'"))
    if dtype.is_nested() or dtype == pl.Binary:
        return pl.lit(f"({str(dtype).partition('(')[0].lower()})")
    return value.dt.to_string("iso") if dtype.is_temporal() else value.cast(pl.String)


def _bound(bound: Any, column: Column) -> pl.Expr:
    if column.dtype != "datetime":
        return pl.lit(bound)
    moment = datetime.fromisoformat(str(bound))
    return pl.lit(moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment, dtype=pl.Datetime("us"))


def _allowed(check: Check, column: Column) -> pl.Series:
    """The allowed values as the column's own dtype, so that `values: [1, 2]` means "1" and "2" for a category."""
    values: list[Any] = [_text(one) if column.dtype in STRINGS else one for one in check.value]
    dtype = stored(column, pl.String())
    if column.dtype == "datetime":
        return pl.Series([datetime.fromisoformat(str(one)) for one in values], dtype=dtype)
    if column.dtype in ("int", "float"):
        number = int if column.dtype == "int" else float
        return pl.Series([number(one) for one in values], dtype=dtype)
    return pl.Series(values, dtype=dtype)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _pattern(check: Check) -> str:
    """The regular expression over the whole value; its contract has made sure that Polars can run it."""
    return rf"\A(?:{check.value})\z"
