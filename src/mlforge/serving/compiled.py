"""A contract compiled to typed structures, which a JSON decoder checks while it reads: the quick way through the door.

It accepts nothing that `mlforge.runtime.conform` would not, and gives the same values. What it does not accept may still be right: the contract decides.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from mlforge.contract import Column, Contract
from mlforge.runtime.casts import STRINGS, array_size

__all__ = ["Compiled", "Unsettled"]

_LARGEST = 2.0**63
_EXACT = 2**53  # up to here a float tells one whole number from the next
_REMEMBERED = 4096  # texts of a column
_ISO = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)?", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_Reader = Callable[[Any], Any]


class Unsettled(Exception):
    """The quick way does not know; the contract decides."""


class Compiled:
    """Row types for one contract. Raises Unsettled when it has something that only the contract can judge."""

    def __init__(self, contract: Contract, inputs: Sequence[str]) -> None:
        columns = {key: column for key, column in contract.columns.items() if column.role != "ignore"}
        self._order = [*inputs, *(key for key in columns if key not in inputs)]
        self._taken = len(inputs)
        tokens = frozenset(contract.nulls)
        self._numbers = _numeric(contract.nulls)
        kinds = [(key, _kind(columns[key], tokens)) for key in self._order]
        fields: list[Any] = [(key, kind | None if columns[key].nullable else kind) for key, kind in kinds]
        self._readers: list[tuple[int, _Reader]] = [
            (place, reader) for place, key in enumerate(self._order) if (reader := _reader(columns[key], tokens, self._numbers)) is not None
        ]
        real = {key: columns[key].name or key for key in self._order}
        left_out: list[Any] = [(*field, None) if columns[field[0]].nullable else field for field in fields]
        self.named: list[Any] = []
        for rename in (real, None) if any(name != key for key, name in real.items()) else (None,):  # rows that went through a contract before have its keys
            self.named.append(msgspec.defstruct("Row", fields, rename=rename, gc=False))
            if left_out != fields:  # what may be missing may be left out, unless there is something else, which may be it, misspelt
                self.named.append(msgspec.defstruct("Row", left_out, rename=rename, gc=False, kw_only=True, forbid_unknown_fields=True))
        self.listed = msgspec.defstruct("Listed", fields, array_like=True, gc=False)
        self.names = real

    def rows(self, read: Sequence[Any]) -> list[tuple[Any, ...]]:
        """The values of decoded rows, in the order of the inputs. Raises Unsettled."""
        return [self._row(msgspec.structs.astuple(one)) for one in read]

    def _row(self, values: tuple[Any, ...]) -> tuple[Any, ...]:
        if self._readers:
            made = list(values)
            for place, reader in self._readers:
                made[place] = reader(made[place])
            values = tuple(made)
        return values if len(values) == self._taken else values[: self._taken]

    def sequences(self, columns: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        """The same for values column by column, in the order of `order`. Raises Unsettled."""
        try:
            return self.rows(msgspec.convert(list(zip(*columns, strict=True)), list[self.listed]))  # type: ignore[name-defined]
        except (msgspec.ValidationError, ValueError, OverflowError):
            raise Unsettled from None

    @property
    def order(self) -> Sequence[str]:
        """Keys of the columns that a row must have."""
        return self._order


def _kind(column: Column, tokens: frozenset[str]) -> Any:
    size = array_size(column.dtype)
    if size is not None:
        return Annotated[list[float], Meta(min_length=size, max_length=size)]
    if column.dtype in ("int", "float"):
        return Annotated[float, Meta(**_bounds(column))]
    if column.dtype == "bool" and column.values is None:
        return bool
    if column.dtype in STRINGS:
        return _texts(column, tokens)
    if column.dtype == "datetime" and column.values is None:
        return str
    raise Unsettled


def _bounds(column: Column) -> dict[str, Any]:
    """One lower and one upper bound; a decoder takes no more."""
    if column.values is not None:
        raise Unsettled  # rare, for numbers
    bounds = {name: float(value) for name in ("ge", "gt", "le", "lt") if (value := getattr(column, name)) is not None}
    if column.dtype == "int":
        if any(abs(bound) > _EXACT for bound in bounds.values()):
            raise Unsettled
        if not {"ge", "gt"} & set(bounds):
            bounds["gt"] = -_LARGEST
        if not {"le", "lt"} & set(bounds):
            bounds["lt"] = _LARGEST
    if len({"ge", "gt"} & set(bounds)) == 2:
        bounds.pop("ge" if bounds["gt"] >= bounds["ge"] else "gt")
    if len({"le", "lt"} & set(bounds)) == 2:
        bounds.pop("le" if bounds["lt"] <= bounds["le"] else "lt")
    return bounds


def _texts(column: Column, tokens: frozenset[str]) -> Any:
    if column.regex is not None:
        raise Unsettled  # patterns are another engine's
    length = column.length
    if column.values is not None:
        texts = [str(one).lower() if isinstance(one, bool) else str(one) for one in column.values]
        allowed = [text for text in texts if text.strip() not in tokens and text.strip() and (length is None or _fits(len(text), length.min, length.max))]
        if not allowed:
            raise Unsettled
        return Literal[tuple(allowed)]
    return str if length is None else Annotated[str, Meta(min_length=length.min, max_length=length.max)]


def _fits(size: int, least: int, most: int | None) -> bool:
    return size >= least and (most is None or size <= most)


def _reader(column: Column, tokens: frozenset[str], numbers: frozenset[float]) -> _Reader | None:
    """What is left to be done with a decoded value; None when it is nothing."""
    if column.dtype == "datetime":
        return _moment(column)
    if column.dtype in STRINGS:
        return _Texts(tokens, nullable=column.nullable).__getitem__ if column.values is None or column.nullable else None
    if column.dtype == "int":
        return _whole(numbers)
    if column.dtype == "float" and numbers:
        return _unless(numbers)
    return None


def _whole(numbers: frozenset[float]) -> _Reader:
    def read(value: float | None) -> float | None:
        if value is not None and (not value.is_integer() or value in numbers):
            raise Unsettled
        return value

    return read


def _unless(numbers: frozenset[float]) -> _Reader:
    def read(value: float | None) -> float | None:
        if value in numbers:
            raise Unsettled
        return value

    return read


class _Texts(dict[str | None, str]):
    """Texts that were seen to be texts, and not a way to write that there is none; a missing one is "", as graphs take it."""

    def __init__(self, tokens: frozenset[str], *, nullable: bool) -> None:
        super().__init__(dict.fromkeys((None, "", *tokens), "") if nullable else {})
        self._tokens = tokens

    def __missing__(self, text: str) -> str:
        if text.strip() != text or text in self._tokens or not text:
            raise Unsettled  # spaces around it, or it is missing where it must not be
        if len(self) < _REMEMBERED and len(text) <= 64:
            self[text] = text
        return text


def _moment(column: Column) -> _Reader:
    """Seconds since 1970 of an ISO 8601 time without a zone, which is UTC."""

    def bound(value: Any) -> float:
        moment = datetime.fromisoformat(str(value))
        return _seconds(moment if moment.tzinfo else moment.replace(tzinfo=UTC))

    bounds = {name: bound(value) for name in ("ge", "gt", "le", "lt") if (value := getattr(column, name)) is not None}
    ge, gt = bounds.get("ge", -math.inf), bounds.get("gt", -math.inf)
    le, lt = bounds.get("le", math.inf), bounds.get("lt", math.inf)

    def read(text: str | None) -> float | None:
        if text is None:
            return None
        if _ISO.fullmatch(text) is None:
            raise Unsettled
        try:
            seconds = _seconds(datetime.fromisoformat(text).replace(tzinfo=UTC))
        except ValueError:
            raise Unsettled from None
        if seconds < ge or seconds <= gt or seconds > le or seconds >= lt:
            raise Unsettled
        return seconds

    return read


def _seconds(moment: datetime) -> float:
    passed = moment - _EPOCH
    return ((passed.days * 86_400 + passed.seconds) * 1_000_000 + passed.microseconds) * 1e-6  # as Polars divides: to the last bit


def _numeric(nulls: Sequence[str]) -> frozenset[float]:
    """The ways to write a missing value that are numbers."""
    if not nulls:
        return frozenset()
    import polars as pl

    parsed = pl.Series(list(nulls), dtype=pl.String).cast(pl.Float64, strict=False)
    return frozenset(number for number in parsed if number is not None and math.isfinite(number))
