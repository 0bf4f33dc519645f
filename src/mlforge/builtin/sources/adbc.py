"""Databases through ADBC: rows come in columns, without a Python object for each value."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from mlforge.builtin.sources.answers import as_text
from mlforge.errors import DataError, MissingRequirement
from mlforge.runtime.databases import shown, told
from mlforge.secrets import mask

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa
    from sqlalchemy import Engine

__all__ = ["adbc_frames", "has_adbc"]

_DRIVERS = {"postgresql": "adbc_driver_postgresql", "sqlite": "adbc_driver_sqlite"}
_READ_ONLY = {"postgresql": "SET TRANSACTION READ ONLY", "sqlite": "PRAGMA query_only = ON"}


def has_adbc(engine: Engine) -> bool:
    """Is there a driver for this database, and is it installed."""
    return engine.dialect.name in _DRIVERS and find_spec(_DRIVERS[engine.dialect.name]) is not None


def adbc_frames(engine: Engine, statement: str, rows: int, where: str, *, snapshot: str | None = None) -> Iterator[pl.DataFrame]:
    """The answer in frames of that many rows, read in one read-only transaction; that of a snapshot, where one is given (PostgreSQL)."""
    import adbc_driver_manager
    import pyarrow as pa

    with _connected(engine) as connection, connection.cursor() as cursor:
        try:
            if snapshot is not None:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                cursor.execute(f"SET TRANSACTION SNAPSHOT '{snapshot}'")
            cursor.execute(_READ_ONLY[engine.dialect.name])
            if engine.dialect.name == "sqlite":
                cursor.adbc_statement.set_options(**{"adbc.sqlite.query.batch_rows": str(rows)})
            cursor.execute(statement)
            for batch in cursor.fetch_record_batch():
                yield from _sliced(_frame(batch), rows)
        except (adbc_driver_manager.Error, pa.ArrowException, OSError) as error:  # the last two once the rows flow
            if "Type mismatch" in str(error):
                raise DataError(f"{where}: {str(error)[:300]}", hint="A column's type changes on the way: CAST it, or take driver=sqlalchemy.") from None
            raise told(error, where) from None


@contextmanager
def _connected(engine: Engine) -> Iterator[Any]:
    import adbc_driver_manager

    kind, name = engine.dialect.name, shown(engine.url.render_as_string(hide_password=False))
    if kind not in _DRIVERS:
        raise DataError(f"source.driver: there is no ADBC driver for {kind}", hint=f"There is one for {' and '.join(_DRIVERS)}; else driver=sqlalchemy.")
    try:
        driver = import_module(f"{_DRIVERS[kind]}.dbapi")
    except ImportError:
        raise MissingRequirement(f"source.driver: {kind} by ADBC needs {_DRIVERS[kind]}", hint="pip install 'mlforge[adbc]'") from None
    try:
        connection = driver.connect(_address(engine))
    except adbc_driver_manager.Error as error:
        first = mask(str(error).strip().splitlines()[0][:300])
        raise MissingRequirement(f"source.url: cannot connect to {name}: {first}", hint="Is it running, and are name and password right?") from None
    with connection:
        yield connection


def _address(engine: Engine) -> str:
    url = engine.url
    if engine.dialect.name == "sqlite":
        return f"file:{quote(str(url.database))}?mode=ro"
    settings = url.translate_connect_args(username="user", database="dbname") | dict(url.query)
    return " ".join(f"{name}={_libpq(str(value))}" for name, value in settings.items())


def _libpq(value: str) -> str:
    quoted = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{quoted}'"


def _sliced(frame: pl.DataFrame, rows: int) -> Iterator[pl.DataFrame]:
    for start in range(0, frame.height, rows):
        yield frame.slice(start, rows)


def _frame(batch: pa.RecordBatch) -> pl.DataFrame:
    """A batch with the types that SQLAlchemy's rows would come to."""
    import polars as pl

    return pl.DataFrame([_series(name, batch.column(index)) for index, name in enumerate(batch.schema.names)])


def _series(name: str, column: Any) -> pl.Series:
    import polars as pl
    import pyarrow as pa

    kind = column.type
    if isinstance(kind, pa.OpaqueType):
        text = pl.Series(name, column.storage)
        return text.cast(pl.Float64) if kind.type_name == "numeric" else text.cast(pl.String)
    plain = _plain(kind)
    if plain is None:
        return pl.Series(name, [None if value is None else as_text(value) for value in column.to_pylist()], dtype=pl.String)
    series = pl.Series(name, column)
    if series.dtype == pl.Float32:
        series = series.cast(pl.String)  # 0.1 stays 0.1
    if isinstance(series.dtype, pl.Datetime):
        series = series.dt.replace_time_zone(None)  # moments with an offset come in UTC
    return series.cast(plain)


def _plain(kind: Any) -> Any:
    """The type of a frame's column for one of Arrow's; None for what becomes text value by value."""
    return next((dtype for matches, dtype in _types() if matches(kind)), None)


@functools.cache
def _types() -> tuple[tuple[Any, Any], ...]:
    import polars as pl
    import pyarrow.types as types

    return (
        (types.is_boolean, pl.Boolean),
        (types.is_integer, pl.Int64),
        (types.is_floating, pl.Float64),
        (types.is_decimal, pl.Float64),
        (types.is_string, pl.String),
        (types.is_large_string, pl.String),
        (types.is_date, pl.Date),
        (types.is_timestamp, pl.Datetime("us")),
        (types.is_null, pl.Null),
    )
