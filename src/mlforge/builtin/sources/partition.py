"""A table in parts: ranges of a column's values, each asked for by a statement of its own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from mlforge.errors import DataError, nearest
from mlforge.runtime.databases import reflected

if TYPE_CHECKING:
    from sqlalchemy import Connection, Select, Table

__all__ = ["Partition", "exported_snapshot", "statements"]


class Partition(BaseModel):
    """How a table is read by several connections at once."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    column: str = Field(min_length=1, description="the column whose values are parted, numbers, dates or moments; best one with an index")
    parts: int = Field(default=4, ge=2, le=64, description="ranges of equal width between its least and greatest value, each read by a connection of its own")


def statements(connection: Connection, name: str, order_by: Sequence[str], partition: Partition | None) -> list[str]:
    """The statements that give a table's rows, each in order."""
    from sqlalchemy import select

    table = reflected(connection, name, "source.table")
    names = list(order_by) or [column.name for column in table.primary_key]
    if not names:
        told = f"source.table: {name} has no primary key, and rows must come in the same order each time"
        raise DataError(told, hint="Name the columns by which they are ordered: source.order_by.")
    _there(table, names, "source.order_by", name)
    rows = select(*table.c).order_by(*(table.c[one] for one in names))
    if partition is None:
        return [_written(rows, connection)]
    _there(table, [partition.column], "source.partition.column", name)
    return [_written(part, connection) for part in _parts(connection, table, rows, partition)]


def exported_snapshot(connection: Connection) -> str | None:
    """What the connection sees, for others to see the same: the snapshot of its transaction, as long as that lasts. None where there is no such thing."""
    if connection.dialect.name != "postgresql":
        return None
    return str(connection.exec_driver_sql("SELECT pg_export_snapshot()").scalar_one())


def _there(table: Table, names: Sequence[str], where: str, name: str) -> None:
    known = list(table.c.keys())
    lacking = [one for one in names if one not in known]
    if lacking:
        raise DataError(f"{where}: {name} has no column {lacking[0]!r}", hint=nearest(lacking[0], known) or f"It has {', '.join(known[:20])}.")


def _parts(connection: Connection, table: Table, rows: Select[Any], partition: Partition) -> list[Select[Any]]:
    """Every row is in one part: rows without a value and those below all cuts in the first, those above in the last."""
    from sqlalchemy import and_, func, or_, select

    column = table.c[partition.column]
    low, high = connection.execute(select(func.min(column), func.max(column))).one()
    cuts = _cuts(low, high, partition)
    if not cuts:
        return [rows]
    within = [and_(column >= low, column < high) for low, high in pairwise(cuts)]
    return [rows.where(condition) for condition in (or_(column < cuts[0], column.is_(None)), *within, column >= cuts[-1])]


def _cuts(low: Any, high: Any, partition: Partition) -> list[Any]:
    """Where one part ends and the next begins; fewer than asked for where the values are too close together."""
    where = "source.partition.column"
    if low is None:
        return []
    if isinstance(low, bool) or not isinstance(low, int | float | Decimal | date):
        raise DataError(f"{where}: {partition.column} holds {type(low).__name__}", hint="Name a column of numbers, dates or moments.")
    if isinstance(low, float | Decimal) and not (math.isfinite(low) and math.isfinite(high)):
        raise DataError(f"{where}: {partition.column} reaches from {low} to {high}", hint="Name a column of finite numbers.")
    cuts = [_between(low, high, number, partition.parts) for number in range(1, partition.parts)]
    return list(dict.fromkeys(cut for cut in cuts if cut > low))


def _between(low: Any, high: Any, number: int, parts: int) -> Any:
    if isinstance(low, int):
        return low + (high - low) * number // parts
    if isinstance(low, date) and not isinstance(low, datetime):
        return date.fromordinal(low.toordinal() + (high.toordinal() - low.toordinal()) * number // parts)
    return low + (high - low) / parts * number


def _written(rows: Select[Any], connection: Connection) -> str:
    """The statement as text that any driver takes, with its values in it: they are cuts of ours, no text from outside."""
    made: Any = type(connection.dialect)  # each has arguments of its own besides this one
    dialect = made(paramstyle="named")  # a per cent sign stays single
    return str(rows.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
