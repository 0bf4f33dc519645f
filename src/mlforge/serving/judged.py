"""Validation by the contract itself, each row as if it were alone: the slow path, for what the fast path does not accept, with reasons."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import polars as pl

from mlforge.errors import DataError
from mlforge.runtime.feed import feed
from mlforge.serving.http import Refused
from mlforge.serving.request_rows import Rejected, RequestRows

if TYPE_CHECKING:
    from mlforge.serving.engine import Engine

__all__ = ["frame_of", "judge_frame", "judge_rows"]

_LARGEST = 2**127  # of whole numbers that a frame can hold
_USUAL = 2**63
_EXACT = 2**53  # up to here a float tells one whole number from the next
_COMBINATIONS = 64  # of types in which the rows of one request may come: each is judged by itself, which takes milliseconds
_LISTED = 8  # columns named in a message
_COMPARED, _NEAR = 300, 0.8  # names of a request that are compared with the contract's, and how alike they must be


def judge_frame(frame: pl.DataFrame, engine: Engine) -> RequestRows:
    """A frame of raw rows. Raises Refused when a column is missing."""
    try:
        parted = engine.predictor.typed(frame)
    except DataError as error:
        told = str(error).partition("\n")[0].replace("the source lacks", "the rows lack")
        if told.startswith("the source has one column"):
            told = told.replace("the source has", "the rows have").replace("and lacks", "and lack") + "; a comma separates the columns of a CSV"
        raise Refused(400, told) from None
    rejected = tuple(Rejected(position, reason) for position, reason in parted.rejected.select("position", "reason").iter_rows())
    made = feed(parted.rows, engine.graph.inputs, engine.graph.widths) if parted.rows.height else {}
    columns = tuple(made[name] for name in engine.inputs) if made else None
    return RequestRows(frame.height, None if made else (), columns, rejected, parted.accepted.to_list() if rejected else None)


def frame_of(row: Mapping[str, Any], engine: Engine) -> pl.DataFrame:
    """One row as a frame. A key that is not there is a missing value. Raises Refused for one that is misspelt."""
    names = _Names(engine)
    if (stray := names.stray(row)) is not None:
        raise Refused(400, stray)
    ((_, frame),) = _parted([(0, names.named(row))])
    return frame


def judge_rows(rows: Sequence[Mapping[str, Any]], engine: Engine) -> RequestRows:
    """Rows of JSON. Those with the same types are judged together, which changes nothing for any of them. A key that is not there is a missing value."""
    names = _Names(engine)
    strays = {place: stray for place, row in enumerate(rows) if (stray := names.stray(row)) is not None}
    parts = _parted([(place, names.named(row)) for place, row in enumerate(rows) if place not in strays])
    loads = [(places, judge_frame(frame, engine)) for places, frame in parts]
    rejected = [Rejected(place, stray) for place, stray in strays.items()]
    rejected += [Rejected(places[one.row], one.reason) for places, load in loads for one in load.rejected]
    return _joined(len(rows), loads, tuple(sorted(rejected, key=lambda one: one.row)))


def _joined(count: int, loads: Sequence[tuple[Sequence[int], RequestRows]], rejected: tuple[Rejected, ...]) -> RequestRows:
    """The parts, in the order in which the rows came."""
    kept = [(places, load) for places, load in loads if load.good]
    if not kept:
        return RequestRows(count, (), None, rejected, [])
    places = [places[position] for places, load in kept for position in load.positions()]
    columns: Iterable[Any] = zip(*(load.columns or () for _, load in kept), strict=True)
    import numpy as np

    joined = tuple(column[0] if len(column) == 1 else np.concatenate(column) for column in columns)
    if places != sorted(places):
        order = np.argsort(places, kind="stable")
        joined, places = tuple(column[order] for column in joined), sorted(places)
    return RequestRows(count, None, joined, rejected, places if rejected else None)


class _Names:
    """Which of a row's keys is which column: by its real name or, when rows went through a contract before, by its key there."""

    def __init__(self, engine: Engine) -> None:
        self._keys = {column.name or key: key for key, column in engine.contract.columns.items() if column.role != "ignore"}
        self._compared: dict[str, str | None] = {}

    def named(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Its values by real name, as a frame can hold them."""
        return {name: _plain(row[name] if name in row else row.get(key)) for name, key in self._keys.items()}

    def stray(self, row: Mapping[str, Any]) -> str | None:
        """A column that the row lacks while it has one of nearly that name: misspelt rather than missing."""
        absent = {name for name, key in self._keys.items() if name not in row and key not in row}
        for name in row if absent else ():
            if name not in self._keys and (meant := self._near(name)) in absent:
                return f"the model has no column {name[:60]!r}. Did you mean {meant}?"
        return None

    def _near(self, name: str) -> str | None:
        """The column of nearly that name. A request's first few hundred names are compared: it must not cost seconds to send many."""
        if name not in self._compared and len(self._compared) < _COMPARED:
            close = get_close_matches(name[:200].lower(), [known.lower() for known in self._keys], n=1, cutoff=_NEAR)
            self._compared[name] = next((known for known in self._keys if close and known.lower() == close[0]), None)
        return self._compared.get(name)


def _parted(rows: Sequence[tuple[int, Mapping[str, Any]]]) -> list[tuple[list[int], pl.DataFrame]]:
    """The rows as frames, in each of which a column's values are of one type; with the rows' places."""
    columns = {name: _levelled([row[name] for _, row in rows]) for name in (rows[0][1] if rows else ())}
    mixed = [name for name, values in columns.items() if len({_kind(value) for value in values if value is not None}) > 1]
    groups: dict[tuple[str, ...], list[int]] = {}
    for at in range(len(rows)):
        groups.setdefault(tuple(_kind(columns[name][at]) for name in mixed), []).append(at)
    if len(groups) > _COMBINATIONS:
        told = ", ".join(map(repr, mixed[:_LISTED])) + (" …" if len(mixed) > _LISTED else "")
        raise Refused(
            400, f"columns {told:.400} have values of several types each, in more than {_COMBINATIONS} combinations; send a column's values as one type"
        )
    return [
        ([rows[at][0] for at in group], pl.DataFrame([_series(name, [values[at] for at in group]) for name, values in columns.items()]))
        for group in groups.values()
    ]


def _levelled(values: list[Any]) -> list[Any]:
    """Whole numbers as those with a point, where a column has both: some writers leave out the point of 1.0, and each row would be of types of its own."""
    if not any(type(value) is float for value in values):
        return values
    return [float(value) if type(value) is int and abs(value) <= _EXACT else value for value in values]


def _series(name: str, values: list[Any]) -> pl.Series:
    return pl.Series(name, values, strict=True) if any(value is not None for value in values) else pl.Series(name, [None] * len(values), dtype=pl.Null)


def _plain(value: Any) -> Any:
    """A value that a frame can hold; whole numbers that it cannot are as JSON's other readers have them: floats."""
    if isinstance(value, int) and not -_LARGEST <= value < _LARGEST:
        return float(value) if abs(value) < 10**300 else math.inf
    if isinstance(value, dict):
        return {"object": True}
    if isinstance(value, list):
        if any(isinstance(one, list) for one in value):
            return _nested(value) or ["…"]
        kinds = {_kind(one) for one in value}
        if kinds <= {"int"} or kinds <= {"float"} or kinds <= {"bool"} or kinds <= {"str"}:
            return [_plain(one) for one in value]
        return [float(one) for one in value] if kinds <= {"int", "float"} else ["…"]
    return value


def _nested(value: list[Any]) -> list[Any] | None:
    """Lists of numbers in lists, all equally deep, as floats; None where something else is in them."""
    if all(isinstance(one, list) for one in value):
        inner = [_nested(one) if one and isinstance(one[0], list) else _floats(one) for one in value]
        return None if any(one is None for one in inner) or len({_deep(one) for one in inner}) > 1 else inner
    return None


def _floats(value: list[Any]) -> list[Any] | None:
    return [_plain(float(one)) for one in value] if all(isinstance(one, (int, float)) and abs(one) < _LARGEST for one in value) else None


def _deep(value: Any) -> int:
    return 1 + _deep(value[0]) if isinstance(value, list) and value else 0


def _kind(value: Any) -> str:
    if isinstance(value, list):
        return f"list of {_kind(value[0])}" if value else "list"
    return "large int" if isinstance(value, int) and not -_USUAL <= value < _USUAL else type(value).__name__
