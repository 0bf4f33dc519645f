"""Rows judged by the contract itself, each as if it were alone: the way through the door for what the quick way does not accept, and the one with reasons."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import polars as pl

from mlforge.errors import DataError, nearest
from mlforge.runtime.feed import feed
from mlforge.serving.http import Refused
from mlforge.serving.load import Load, Rejected

if TYPE_CHECKING:
    from mlforge.serving.engine import Engine

__all__ = ["frame_of", "judge_frame", "judge_rows"]

_LARGEST = 2**127  # of whole numbers that a frame can hold
_USUAL = 2**63


def judge_frame(frame: pl.DataFrame, engine: Engine) -> Load:
    """A frame of raw rows. Raises Refused when a column is missing."""
    try:
        parted = engine.predictor.typed(frame)
    except DataError as error:
        raise Refused(400, str(error).partition("\n")[0].replace("the source lacks", "the rows lack")) from None
    rejected = tuple(Rejected(position, reason) for position, reason in parted.rejected.select("position", "reason").iter_rows())
    made = feed(parted.rows, engine.graph.inputs, engine.graph.widths) if parted.rows.height else {}
    columns = tuple(made[name] for name in engine.inputs) if made else None
    return Load(frame.height, None if made else (), columns, rejected, parted.accepted.to_list() if rejected else None)


def frame_of(row: Mapping[str, Any], engine: Engine) -> pl.DataFrame:
    """One row as a frame. A key that is not there is a missing value. Raises Refused for one that is misspelt."""
    names = _names([row], engine)
    if (stray := _stray(row, names)) is not None:
        raise Refused(400, stray)
    ((_, frame),) = _parted([(0, row)], names)
    return frame


def judge_rows(rows: Sequence[Mapping[str, Any]], engine: Engine) -> Load:
    """Rows of JSON. Those with the same types are judged together, which changes nothing for any of them. A key that is not there is a missing value."""
    names = _names(rows, engine)
    strays = {place: stray for place, row in enumerate(rows) if (stray := _stray(row, names)) is not None}
    parts = _parted([(place, row) for place, row in enumerate(rows) if place not in strays], names)
    loads = [(places, judge_frame(frame, engine)) for places, frame in parts]
    rejected = [Rejected(place, stray) for place, stray in strays.items()]
    rejected += [Rejected(places[one.row], one.reason) for places, load in loads for one in load.rejected]
    return _joined(len(rows), loads, tuple(sorted(rejected, key=lambda one: one.row)))


def _joined(count: int, loads: Sequence[tuple[Sequence[int], Load]], rejected: tuple[Rejected, ...]) -> Load:
    """The parts, in the order in which the rows came."""
    kept = [(places, load) for places, load in loads if load.good]
    if not kept:
        return Load(count, (), None, rejected, [])
    places = [places[position] for places, load in kept for position in load.positions()]
    columns: Iterable[Any] = zip(*(load.columns or () for _, load in kept), strict=True)
    import numpy as np

    joined = tuple(column[0] if len(column) == 1 else np.concatenate(column) for column in columns)
    if places != sorted(places):
        order = np.argsort(places, kind="stable")
        joined, places = tuple(column[order] for column in joined), sorted(places)
    return Load(count, None, joined, rejected, places if rejected else None)


def _names(rows: Sequence[Mapping[str, Any]], engine: Engine) -> dict[str, str]:
    """The contract's columns under the names that the rows have them by."""
    given = {name for row in rows for name in row}
    contract = engine.contract
    names = {key: column.name or key for key, column in contract.columns.items() if column.role != "ignore"}
    return {key: key if key in given and real not in given else real for key, real in names.items()}


def _stray(row: Mapping[str, Any], names: Mapping[str, str]) -> str | None:
    """A column that the row lacks while it has one of nearly that name: misspelt rather than missing."""
    absent = [name for name in names.values() if name not in row]
    known = set(names.values())
    for stray in (name for name in row if name not in known) if absent else ():
        if hint := nearest(stray, absent):
            return f"the model has no column {stray[:60]!r}. {hint}"
    return None


def _parted(rows: Sequence[tuple[int, Mapping[str, Any]]], names: Mapping[str, str]) -> list[tuple[list[int], pl.DataFrame]]:
    """The rows as frames, in each of which a column's values are of one type; with the rows' places."""
    columns = {name: [_plain(row.get(name)) for _, row in rows] for name in names.values()}
    mixed = [name for name, values in columns.items() if len({_kind(value) for value in values if value is not None}) > 1]
    groups: dict[tuple[str, ...], list[int]] = {}
    for at in range(len(rows)):
        groups.setdefault(tuple(_kind(columns[name][at]) for name in mixed), []).append(at)
    return [
        ([rows[at][0] for at in group], pl.DataFrame([_series(name, [values[at] for at in group]) for name, values in columns.items()]))
        for group in groups.values()
    ]


def _series(name: str, values: list[Any]) -> pl.Series:
    return pl.Series(name, values, strict=True) if any(value is not None for value in values) else pl.Series(name, [None] * len(values), dtype=pl.Null)


def _plain(value: Any) -> Any:
    """A value that a frame can hold; whole numbers that it cannot are as JSON's other readers have them: floats."""
    if isinstance(value, int) and not -_LARGEST <= value < _LARGEST:
        return float(value) if abs(value) < 10**300 else math.inf
    if isinstance(value, dict):
        return {"object": True}
    if isinstance(value, list):
        kinds = {_kind(one) for one in value}
        if kinds <= {"int"} or kinds <= {"float"} or kinds <= {"bool"} or kinds <= {"str"}:
            return [_plain(one) for one in value]
        return [float(one) for one in value] if kinds <= {"int", "float"} else ["…"]
    return value


def _kind(value: Any) -> str:
    if isinstance(value, list):
        return f"list of {_kind(value[0])}" if value else "list"
    return "large int" if isinstance(value, int) and not -_USUAL <= value < _USUAL else type(value).__name__
