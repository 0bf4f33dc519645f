"""Post-processing of a column's decoded values on the fast path, value by value and column by column."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from mlforge.contract import Column
from mlforge.runtime.casts import STRINGS

__all__ = ["Protected", "Reader", "Unsettled", "allowed_texts", "reader_of"]

_REMEMBERED, _SHORT = 4096, 64  # texts of a column, and characters of one
_ISO = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)?", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Unsettled(Exception):
    """The fast path does not know; the contract decides."""


class Reader:
    """What is left to be done with the decoded values of a column."""

    def one(self, value: Any) -> Any:
        """What the graph is given for a value; None for a missing number. Raises Unsettled."""
        raise NotImplementedError

    def many(self, values: Sequence[Any]) -> Sequence[Any]:
        """The same for a whole column."""
        return [self.one(value) for value in values]


def reader_of(column: Column, tokens: frozenset[str], numbers: frozenset[float]) -> Reader | None:
    """None where nothing is left to be done."""
    if column.dtype == "datetime":
        return _Moments(column)
    if column.dtype in STRINGS:
        return _Texts(tokens, nullable=column.nullable) if column.values is None or column.nullable else None
    if column.dtype == "int":
        return _Whole(numbers)
    if column.dtype == "float" and numbers:
        return _Numbers(numbers)
    return None


class _Numbers(Reader):
    """Numbers none of which is a way to write a missing one."""

    def __init__(self, tokens: frozenset[float]) -> None:
        self._tokens = tokens

    def one(self, value: float | None) -> float | None:
        if value in self._tokens:
            raise Unsettled
        return value

    def many(self, values: Sequence[float | None]) -> Sequence[float | None]:
        if not self._tokens.isdisjoint(values):
            raise Unsettled
        return values


class _Whole(_Numbers):
    """Whole ones."""

    def one(self, value: float | None) -> float | None:
        if value is not None and (not value.is_integer() or value in self._tokens):
            raise Unsettled
        return value

    def many(self, values: Sequence[float | None]) -> Sequence[float | None]:
        there = [value for value in values if value is not None] if None in values else values
        if not all(map(float.is_integer, there)) or not self._tokens.isdisjoint(there):  # type: ignore[arg-type]
            raise Unsettled
        return values


class _Texts(Reader):
    """Texts, and not a way to write that there is none; a missing one is "", as graphs take it. Short ones that were seen are remembered."""

    def __init__(self, tokens: frozenset[str], *, nullable: bool) -> None:
        self._known = _Known(tokens, nullable=nullable)
        self.one = self._known.__getitem__  # type: ignore[assignment, method-assign]

    def many(self, values: Sequence[str | None]) -> Sequence[str]:
        return list(map(self._known.__getitem__, values))


class _Known(dict[str | None, str]):
    def __init__(self, tokens: frozenset[str], *, nullable: bool) -> None:
        super().__init__(dict.fromkeys((None, "", *tokens), "") if nullable else {})
        self._tokens = tokens

    def __missing__(self, text: str) -> str:
        if text.strip() != text or text in self._tokens or not text:
            raise Unsettled  # spaces around it, or it is missing where it must not be
        if len(self) < _REMEMBERED and len(text) <= _SHORT:
            self[text] = text
        return text


def allowed_texts(column: Column) -> frozenset[str] | None:
    """The only texts of a column; None where any will do."""
    return None if column.values is None else frozenset(map(str, column.values))


class Protected(Reader):
    """Texts, of which a protection leaves something."""

    def __init__(self, reader: Reader | None, rule: Callable[[str], str], allowed: frozenset[str] | None, tokens: frozenset[str]) -> None:
        self._reader, self._rule, self._allowed, self._tokens = reader, rule, allowed, tokens

    def one(self, value: str | None) -> str:
        """What is left; nothing of what is missing. Raises Unsettled for what training has not seen, and should have."""
        text: Any = value if self._reader is None else self._reader.one(value)
        if not text:
            return ""
        left = self._rule(text)
        bare = left.strip()
        if not bare or bare in self._tokens or (self._allowed is not None and left not in self._allowed):
            raise Unsettled
        return left


class _Moments(Reader):
    """Seconds since 1970 of ISO 8601 times without a zone, which are UTC."""

    def __init__(self, column: Column) -> None:
        def bound(rule: str, none: float) -> float:
            value = getattr(column, rule)
            if value is None:
                return none
            moment = datetime.fromisoformat(str(value))
            return _seconds(moment if moment.tzinfo else moment.replace(tzinfo=UTC))

        self._ge, self._gt = bound("ge", -math.inf), bound("gt", -math.inf)
        self._le, self._lt = bound("le", math.inf), bound("lt", math.inf)

    def one(self, text: str | None) -> float | None:
        if text is None:
            return None
        if _ISO.fullmatch(text) is None:
            raise Unsettled
        try:
            seconds = _seconds(datetime.fromisoformat(text).replace(tzinfo=UTC))
        except ValueError:
            raise Unsettled from None
        if seconds < self._ge or seconds <= self._gt or seconds > self._le or seconds >= self._lt:
            raise Unsettled
        return seconds


def _seconds(moment: datetime) -> float:
    passed = moment - _EPOCH
    return ((passed.days * 86_400 + passed.seconds) * 1_000_000 + passed.microseconds) * 1e-6  # as Polars divides: to the last bit
