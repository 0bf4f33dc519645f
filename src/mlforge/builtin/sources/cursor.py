"""Databases through SQLAlchemy: rows come through a cursor of the server's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from mlforge.builtin.sources.answers import framed
from mlforge.errors import DataError
from mlforge.runtime.databases import connected, told

if TYPE_CHECKING:
    import polars as pl
    from sqlalchemy import Engine

__all__ = ["cursor_frames"]


def cursor_frames(engine: Engine, statement: str, rows: int, where: str, *, snapshot: str | None = None) -> Iterator[pl.DataFrame]:
    """The answer in frames of that many rows, read in one read-only transaction; that of a snapshot, where one is given (PostgreSQL)."""
    from sqlalchemy.exc import SQLAlchemyError

    try:
        with connected(engine, "source.url", repeatable=snapshot is not None) as connection:
            if snapshot is not None:
                connection.exec_driver_sql(f"SET TRANSACTION SNAPSHOT '{snapshot}'")
            streamed = connection.execution_options(stream_results=True, max_row_buffer=rows, no_parameters=True)
            with streamed.exec_driver_sql(statement) as result:
                names = _distinct(list(result.keys()), where)
                for some in result.partitions(rows):
                    yield framed(names, some)
    except SQLAlchemyError as error:
        raise told(error, where) from None


def _distinct(names: Sequence[str], where: str) -> list[str]:
    twice = sorted({name for name in names if list(names).count(name) > 1})
    if twice:
        raise DataError(f"{where}: two columns are named {twice[0]!r}", hint="Give one another name: SELECT a.id AS a_id, …")
    return list(names)
