"""Databases, as sources and sinks see them: connected to by URL, and what they say as errors that say what to do. Passwords are never shown."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mlforge.errors import DataError, MissingRequirement, MlforgeError
from mlforge.secrets import remember

if TYPE_CHECKING:
    import polars as pl
    from sqlalchemy import Connection, Engine, Table
    from sqlalchemy.engine import URL
    from sqlalchemy.types import TypeEngine

__all__ = ["connected", "copied", "engine_at", "found_table", "kind_of", "reflected", "shown", "told"]

_EXTRAS = {"psycopg": "postgres", "psycopg2": "postgres"}
_LONGEST = 300


def engine_at(url: str, where: str) -> Engine:
    """The engine for a URL. DataError for what is no URL of a database, MissingRequirement when its driver is not installed."""
    from sqlalchemy import create_engine
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError
    from sqlalchemy.pool import NullPool

    try:
        made = _parsed(url)
        return create_engine(made, poolclass=NullPool)
    except (ArgumentError, NoSuchModuleError, ValueError):
        name = url.partition("://")[0][:40] if "://" in url else "what is given"
        hint = "Such as postgresql+psycopg://user@host/database, or sqlite:///data/rows.db."
        raise DataError(f"{where}: {name} is no URL of a database that SQLAlchemy knows", hint=hint) from None
    except ImportError as error:
        driver = error.name or "a driver"
        package = f"'mlforge[{_EXTRAS[driver]}]'" if driver in _EXTRAS else driver
        raise MissingRequirement(f"{where}: {shown(url)} needs the package {driver}", hint=f"pip install {package}") from None


def shown(url: str) -> str:
    """A URL without its password."""
    return _parsed(url).render_as_string(hide_password=True).partition("?")[0]


def _parsed(url: str) -> URL:
    from sqlalchemy import make_url

    made = make_url(url)
    for secret in (made.password, made.query.get("password")):
        if isinstance(secret, str):
            remember(secret)
    return made


@contextmanager
def connected(engine: Engine, where: str, *, write: bool = False, repeatable: bool = False) -> Iterator[Connection]:
    """A connection within one transaction, read-only unless told otherwise. MissingRequirement when the database does not let us in.

    `repeatable`: every statement sees the rows as the first did (PostgreSQL; elsewhere as the database has it).
    """
    from sqlalchemy.exc import DBAPIError

    name = engine.url.render_as_string(hide_password=True).partition("?")[0]
    if engine.url.get_backend_name() == "sqlite" and not write:
        _there(engine, where)
    try:
        connection = engine.connect()
    except (DBAPIError, UnicodeError) as error:
        raise MissingRequirement(f"{where}: cannot connect to {name}: {_first_line(error)}", hint="Is it running, and are name and password right?") from None
    with connection:
        if not write and engine.dialect.name == "postgresql":
            connection = connection.execution_options(postgresql_readonly=True)
            if repeatable:
                connection = connection.execution_options(isolation_level="REPEATABLE READ")
        elif not write and engine.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA query_only = ON")
        yield connection


def _there(engine: Engine, where: str) -> None:
    """SQLite makes a file that is not there; who reads has misspelt it."""
    from pathlib import Path

    database = engine.url.database
    if database and database != ":memory:" and not Path(database).is_file():
        raise DataError(f"{where}: there is no file {database}", hint="Paths in a recipe begin at the project's folder.")


def told(error: Exception, where: str) -> MlforgeError:
    """What a database says, as an error: its first line, without the statement."""
    return DataError(f"{where}: {_first_line(error)}", hint="Look at the names of tables and columns, and at what the user may do there.")


def _first_line(error: Exception) -> str:
    cause = getattr(error, "orig", None) or error
    return (str(cause).strip() or type(cause).__name__).splitlines()[0][:_LONGEST]


def reflected(connection: Connection, name: str, where: str) -> Table:
    """A table as it is in the database; `schema.table`, or `table`. DataError when it is not there."""
    from sqlalchemy import inspect

    from mlforge.errors import nearest

    if (table := found_table(connection, name)) is not None:
        return table
    inspector, schema = inspect(connection), name.rpartition(".")[0] or None
    known = [*inspector.get_table_names(schema), *inspector.get_view_names(schema)]
    raise DataError(f"{where}: there is no table {name}", hint=nearest(name, known) or "Write schema.table if it is not in the default schema.")


def found_table(connection: Connection, name: str) -> Table | None:
    """A table as it is in the database, or None when it is not there."""
    from sqlalchemy import MetaData, Table
    from sqlalchemy.exc import NoSuchTableError

    schema, _, table = name.rpartition(".")
    try:
        return Table(table, MetaData(), schema=schema or None, autoload_with=connection, resolve_fks=False)
    except NoSuchTableError:
        return None


def kind_of(dtype: pl.DataType) -> TypeEngine[Any]:
    """The type of a column that holds a frame's values."""
    import polars as pl
    import sqlalchemy as sa

    if dtype.is_integer():
        return sa.BigInteger()
    if dtype.is_numeric():
        return sa.Double()
    known: dict[Any, TypeEngine[Any]] = {pl.Boolean: sa.Boolean(), pl.Date: sa.Date(), pl.Datetime: sa.DateTime()}
    return known.get(dtype.base_type(), sa.Text())


def copied(connection: Connection, table: Table, frame: pl.DataFrame) -> None:
    """Write a frame's rows into a table that has its columns."""
    import polars as pl
    import polars.selectors as cs
    from sqlalchemy import bindparam

    typed = frame.with_columns((~(cs.numeric() | cs.boolean() | cs.date() | cs.datetime() | cs.string())).cast(pl.String))
    typed = typed.with_columns(cs.by_dtype(pl.Float32).cast(pl.String).cast(pl.Float64))  # 0.1 stays 0.1, as in a file
    raw = connection.connection.driver_connection
    if connection.dialect.driver == "psycopg" and raw is not None:
        into = ".".join(_quoted(part) for part in (table.schema, table.name) if part)
        columns = ", ".join(map(_quoted, typed.columns))
        with raw.cursor() as cursor, cursor.copy(f"COPY {into} ({columns}) FROM STDIN (FORMAT csv)") as copy:
            copy.write(typed.write_csv(include_header=False, datetime_format="%Y-%m-%d %H:%M:%S%.f"))
        return
    if typed.height:
        names = {name: f"c{number}" for number, name in enumerate(typed.columns)}  # a parameter's name has no signs in it
        statement = table.insert().values({name: bindparam(short) for name, short in names.items()})
        connection.execute(statement, typed.rename(names).to_dicts())


def _quoted(name: str) -> str:
    """A name for COPY, which takes no parameters; SQLAlchemy would double its per cent signs."""
    return '"' + name.replace('"', '""') + '"'
