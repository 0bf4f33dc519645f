"""The columns of an Arrow schema: those that Polars cannot read are told by name and type, for it panics over them rather than telling."""

from __future__ import annotations

from collections.abc import Iterator

from mlforge.serving.access.flat_buffers import Table
from mlforge.serving.http import Refused

__all__ = ["readable"]

_FIELDS = 1  # place in a schema's table
_NAME, _KIND, _TYPE, _CHILDREN = 0, 2, 3, 5  # in a field's
_BITS = 2  # in a decimal's
_UNREADABLE = {11: "an interval", 14: "a union", 22: "run-end encoded", 25: "a list view", 26: "a list view"}  # by their number in Arrow's Schema.fbs
_DECIMAL = 7
_DEEPEST, _COLUMNS = 8, 10_000


def readable(schema: Table) -> None:
    """Raises Refused for a column that is of a type that cannot be read, for two of one name, and for too many."""
    names: set[str] = set()
    for field in _within(schema.tables(_FIELDS)):
        kind, name = field.number(_KIND, "<B"), field.text(_NAME)
        told = _UNREADABLE.get(kind)
        if kind == _DECIMAL and (decimal := field.table(_TYPE)) is not None and decimal.number(_BITS, "<i") == 256:
            told = "a decimal of 256 bits"
        if told is not None:
            raise Refused(400, f"column {name[:60]!r} is {told}, which is not read; numbers, texts, times or lists were expected")
    for field in schema.tables(_FIELDS):
        if (name := field.text(_NAME)) in names:
            raise Refused(400, f"the table has two columns {name[:60]!r}")
        names.add(name)


def _within(fields: Iterator[Table]) -> Iterator[Table]:
    """The fields, and those within them; one after the other, for a few bytes can stand for any number of them."""
    levels, seen = [fields], 0
    while levels:
        field = next(levels[-1], None)
        if field is None:
            levels.pop()
            continue
        seen += 1
        if seen > _COLUMNS or len(levels) > _DEEPEST:
            raise Refused(413, f"the table has more than {_COLUMNS:,} columns, or some are nested deeper than {_DEEPEST} levels")
        yield field
        levels.append(field.tables(_CHILDREN))
