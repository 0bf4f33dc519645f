"""Labels that come later: read from a request, and as rows of the log."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, Self

import msgspec

from mlforge.errors import nearest
from mlforge.service.layout import ID, LABEL, ROW, TIME
from mlforge.serving.http import LONGEST_ID, Refused, nameable

if TYPE_CHECKING:
    import pyarrow as pa

    from mlforge.task import Output

__all__ = ["Label", "LabelBatch", "labels_in"]

_FIELDS = ("id", "row", "label")
_LAST_ROW = 2**31 - 1
Value = str | int | float | bool
_Kind = Literal["float", "bool", "int", "text"]


@dataclass(frozen=True, slots=True)
class Label:
    """What was true of one row of one request."""

    id: str
    row: int
    label: Value


class LabelBatch(msgspec.Struct, array_like=True, tag=True, frozen=True):
    """Labels of one request, in a form that another process can read."""

    model: str
    came: datetime  # UTC, without a zone
    kind: _Kind
    ids: list[str]
    rows: list[int]
    labels: list[Value]

    @classmethod
    def of(cls, model: str, labels: Sequence[Label], output: Output) -> Self:
        """Labels that have come now."""
        kinds: Mapping[type, _Kind] = {bool: "bool", int: "int"}
        kind: _Kind = "float" if output.kind == "value" else kinds.get(type(output.classes[0]), "text")
        came = datetime.now(UTC).replace(tzinfo=None)
        return cls(model, came, kind, [one.id for one in labels], [one.row for one in labels], [one.label for one in labels])

    def table(self) -> pa.Table:
        """As rows of the log."""
        import pyarrow as pa

        kind = {"float": pa.float64(), "bool": pa.bool_(), "int": pa.int64(), "text": pa.string()}[self.kind]
        return pa.table(
            {
                ID: pa.array(self.ids, pa.string()),
                ROW: pa.array(self.rows, pa.int32()),
                TIME: pa.array([self.came] * len(self.ids), pa.timestamp("us")),
                LABEL: pa.array(self.labels, kind),
            }
        )


def labels_in(said: object, output: Output, most: int) -> list[Label]:
    """The labels of a request's JSON: one object, a list of them, or {"labels": [...]}. Raises Refused for what is none."""
    given = said["labels"] if isinstance(said, Mapping) and set(said) == {"labels"} else said
    several = given if isinstance(given, list) else [given]
    if len(several) > most:
        raise Refused(413, f"{len(several):,} labels; at most {most:,} were expected")
    if not several:
        raise Refused(400, "no label is there")
    known = {_written(name): name for name in output.classes}
    return [_label(one, place, output, known) for place, one in enumerate(several)]


def _label(said: object, place: int, output: Output, known: Mapping[str, Value]) -> Label:
    where = f"label {place}"
    if not isinstance(said, Mapping):
        raise Refused(400, f"{where}: {_shown(said)}; an object with id, label and, where it is not 0, row was expected")
    if unknown := [str(key) for key in said if key not in _FIELDS]:
        raise Refused(400, f"{where}: there is no field {unknown[0][:60]!r}. {nearest(unknown[0][:60], _FIELDS) or 'There are ' + ', '.join(_FIELDS)}")
    ident, row = said.get("id"), said.get("row", 0)
    if not isinstance(ident, str) or not nameable(ident):
        raise Refused(400, f"{where}: id is {_shown(ident)}; the id of a request was expected, a string of at most {LONGEST_ID} characters")
    if isinstance(row, bool) or not isinstance(row, int) or not 0 <= row <= _LAST_ROW:
        raise Refused(400, f"{where}: row is {_shown(row)}; a row's place in its request was expected, from 0")
    return Label(ident, row, _value(said.get("label"), where, output, known))


def _value(said: object, where: str, output: Output, known: Mapping[str, Value]) -> Value:
    if output.kind == "value":
        if isinstance(said, bool) or not isinstance(said, int | float) or not math.isfinite(said):
            raise Refused(400, f"{where}: label is {_shown(said)}; a number was expected")
        return float(said)
    found = known.get(_written(said)) if isinstance(said, str | int | float) else None
    if found is None:
        names = ", ".join(list(known)[:10]) + (", …" if len(known) > 10 else "")
        raise Refused(400, f"{where}: label is {_shown(said)}, no class of the model: {names}" if known else f"{where}: this model takes no labels")
    return found


def _written(value: object) -> str:
    """As answers name a class."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _shown(value: object) -> str:
    text = "missing" if value is None else repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"
