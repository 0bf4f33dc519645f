"""A contract's columns judged as whole arrays: the fast path for many rows.

As in `mlforge.serving.compiled`, nothing is accepted here that the contract would not; what is not accepted may still be right, and the contract decides.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from mlforge.contract import Column
from mlforge.runtime.casts import STRINGS, array_size

__all__ = ["Unsettled", "Vector", "vector"]

_EXACT = 2**53  # up to here a float tells one whole number from the next
_MOST = float(np.finfo(np.float64).max)
_LARGEST = math.nextafter(2.0**63, 0.0)

Vector = Callable[[Any], np.ndarray]  # a tensor's elements → what the graph takes, one row a row; raises Unsettled


class Unsettled(Exception):
    """The fast path does not know; the contract decides."""


def vector(column: Column, tokens: frozenset[str]) -> Vector:
    """The judge of one column, where `tokens` stand for a missing value. Raises Unsettled when only the contract itself can be."""
    if array_size(column.dtype) is not None:
        return _cells
    if column.dtype in ("int", "float"):
        return _numbers(column, tokens)
    if column.dtype == "bool" and not column.nullable and column.values is None:
        return _truths
    if column.dtype in STRINGS and column.regex is None and column.length is None:
        return _texts(column, tokens)
    raise Unsettled


def bounds(column: Column) -> tuple[float, float]:
    """The smallest and the largest number that a column may have. Raises Unsettled when that is not all that is asked of a number."""
    most = _LARGEST if column.dtype == "int" else _MOST
    given = {name: float(value) for name in ("ge", "gt", "le", "lt") if (value := getattr(column, name)) is not None}
    if column.values is not None or (column.dtype == "int" and any(abs(bound) > _EXACT for bound in given.values())):
        raise Unsettled
    low = max(given.get("ge", -most), math.nextafter(given["gt"], math.inf) if "gt" in given else -most)
    high = min(given.get("le", most), math.nextafter(given["lt"], -math.inf) if "lt" in given else most)
    return low, high


def _numbers(column: Column, tokens: frozenset[str]) -> Vector:
    if any(_is_number(token) for token in tokens):
        raise Unsettled
    low, high = bounds(column)
    whole, nullable = column.dtype == "int", column.nullable

    def judge(values: Any) -> np.ndarray:
        given = np.asarray(values)
        if given.dtype.kind not in "iuf" or not given.size:
            raise Unsettled
        numbers = given.astype(np.float64)
        least, most = numbers.min(), numbers.max()
        if most != most and nullable:  # NaN: a value is missing
            least, most = np.fmin.reduce(numbers), np.fmax.reduce(numbers)
        if not (least >= low and most <= high):
            raise Unsettled
        if whole and given.dtype.kind == "f" and not (np.trunc(numbers) == numbers).all():
            raise Unsettled  # a missing whole number too; rare enough
        return numbers.reshape(-1, 1)

    return judge


def _cells(values: Any) -> np.ndarray:
    numbers = np.asarray(values, np.float64)
    if not np.isfinite(numbers).all():
        raise Unsettled
    return numbers


def _truths(values: Any) -> np.ndarray:
    truths = np.asarray(values)
    if truths.dtype.kind != "b":
        raise Unsettled
    return truths.reshape(-1, 1)


def _texts(column: Column, tokens: frozenset[str]) -> Vector:
    allowed = None if column.values is None else frozenset(str(one).lower() if isinstance(one, bool) else str(one) for one in column.values)

    def judge(values: Any) -> np.ndarray:
        if isinstance(values, np.ndarray):
            raise Unsettled
        for text in set(values):  # as many as there are categories
            if not text or text != text.strip() or text in tokens or (allowed is not None and text not in allowed):
                raise Unsettled
        made = np.empty((len(values), 1), object)
        made[:, 0] = values
        return made

    return judge


def _is_number(token: str) -> bool:
    try:
        return math.isfinite(float(token))
    except ValueError:
        return False
