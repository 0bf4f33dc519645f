"""Cells of `array[float, 8x8]`: numbers in a list, or in lists of its shape; in formats that know text alone, the list as JSON writes it."""

from __future__ import annotations

import math
import re

import polars as pl

__all__ = ["array_sides", "array_typed"]


def array_sides(dtype: str) -> tuple[int, ...]:
    """The shape of `array[float, 8x8]`; () for other dtypes."""
    return tuple(int(number) for number in re.findall(r"\d+", dtype)) if dtype.startswith("array[") else ()


def array_typed(value: pl.Expr, raw: pl.DataType, sides: tuple[int, ...]) -> pl.Expr:
    """A column of dtype `raw` as arrays of that shape, flat, row by row; null where a cell is none, or has a number that is not finite."""
    size = math.prod(sides)
    if raw == pl.String:
        value, raw = _read(value), pl.List(pl.Float64())
    depth, inner = _nesting(raw)
    if depth not in (1, len(sides)) or not (inner.is_numeric() or inner == pl.Boolean):
        return pl.lit(None, dtype=pl.Array(pl.Float64, size))
    numbers, shaped = value.cast(_lists(depth)), pl.lit(value=True)
    for _ in range(depth - 1):  # two levels become one
        shaped &= (numbers.list.len() == sides[0]) & numbers.list.eval(pl.element().list.len() == sides[1]).list.all()
        numbers, sides = numbers.list.eval(pl.element().list.explode()), (sides[0] * sides[1], *sides[2:])
    whole = shaped & (numbers.list.len() == size) & numbers.list.eval(pl.element().is_finite().fill_null(value=False)).list.all()
    return pl.when(whole).then(numbers).list.to_array(size)


def _read(text: pl.Expr) -> pl.Expr:
    """The numbers of "[1, 2.5]"; null for other texts."""
    parts = text.str.strip_prefix("[").str.strip_suffix("]").str.split(",")
    numbers = parts.list.eval(pl.element().str.strip_chars().cast(pl.Float64, strict=False))
    return pl.when(text.str.starts_with("[") & text.str.ends_with("]")).then(numbers)


def _nesting(raw: pl.DataType) -> tuple[int, pl.DataType]:
    """How deeply lists or arrays lie in each other, and what is in the innermost."""
    depth = 0
    while isinstance(raw, (pl.List, pl.Array)):
        inner = raw.inner
        raw, depth = inner if isinstance(inner, pl.DataType) else inner(), depth + 1
    return depth, raw


def _lists(depth: int) -> pl.DataType:
    made: pl.DataType = pl.Float64()
    for _ in range(depth):
        made = pl.List(made)
    return made
