"""A contract compiled to typed structures, which a JSON decoder validates while it decodes: the fast path of validation.

It accepts nothing that `mlforge.runtime.conform` would not, and gives the same values. What it does not accept may still be right: the contract decides.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from mlforge.contract import Column, Contract
from mlforge.runtime.casts import STRINGS, array_size
from mlforge.serving.readers import Protected, Reader, Unsettled, allowed_texts, reader_of

__all__ = ["Compiled", "Unsettled"]

_LARGEST = 2.0**63
_EXACT = 2**53  # up to here a float tells one whole number from the next
_FEW = 8  # rows; more of them are read column by column


class Compiled:
    """Row types for one contract. Raises Unsettled when it has something that only the contract can judge."""

    def __init__(
        self, contract: Contract, inputs: Sequence[str], rules: Mapping[str, Callable[[str], str]] | None = None, protected: Contract | None = None
    ) -> None:
        """`rules` say what protections leave of a column's texts; `protected` is the contract of what they leave."""
        columns = {key: column for key, column in contract.columns.items() if column.role != "ignore"}
        self._order = [*inputs, *(key for key in columns if key not in inputs)]
        self._taken = len(inputs)
        tokens = frozenset(contract.nulls)
        self._numbers = _numeric(contract.nulls)
        kinds = [(key, _kind(columns[key], tokens)) for key in self._order]
        fields: list[Any] = [(key, kind | None if columns[key].nullable else kind) for key, kind in kinds]
        self._readers: list[tuple[int, Reader]] = [
            (place, reader) for place, key in enumerate(self._order) if (reader := reader_of(columns[key], tokens, self._numbers)) is not None
        ]
        if protected is not None:
            known = dict(self._readers)
            known |= {
                place: Protected(known.get(place), rules[key], allowed_texts(protected.columns[key]), tokens)
                for place, key in enumerate(self._order)
                if rules and key in rules
            }
            self._readers = sorted(known.items(), key=lambda one: one[0])
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
        rows = list(map(msgspec.structs.astuple, read))
        if len(rows) < _FEW:
            return [self._row(row) for row in rows]
        if not self._readers and len(self._order) == self._taken:
            return rows
        columns: list[Sequence[Any]] = list(zip(*rows, strict=True))
        for place, reader in self._readers:
            columns[place] = reader.many(columns[place])
        return list(zip(*columns[: self._taken], strict=True))

    def _row(self, values: tuple[Any, ...]) -> tuple[Any, ...]:
        if self._readers:
            made = list(values)
            for place, reader in self._readers:
                made[place] = reader.one(made[place])
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


def _numeric(nulls: Sequence[str]) -> frozenset[float]:
    """The ways to write a missing value that are numbers."""
    if not nulls:
        return frozenset()
    import polars as pl

    parsed = pl.Series(list(nulls), dtype=pl.String).cast(pl.Float64, strict=False)
    return frozenset(number for number in parsed if number is not None and math.isfinite(number))
