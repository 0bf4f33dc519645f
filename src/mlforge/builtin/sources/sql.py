"""The sql source."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar, Self

from pydantic import Field, field_validator, model_validator

from mlforge.builtin.sources.answers import Answers
from mlforge.components import InputPath, Source
from mlforge.errors import DataError
from mlforge.runtime.databases import connected, engine_at, reflected, told

if TYPE_CHECKING:
    import polars as pl
    from sqlalchemy import Connection
    from sqlalchemy.sql import Executable

__all__ = ["Sql"]

_SELECT = re.compile(r"\s*(select|with|values)\b", re.IGNORECASE)
_ORDER = re.compile(r"\border\s+by\b", re.IGNORECASE)


class Sql(Source):
    """Rows of a database: a table, or the answer to a query.

    Read through a cursor of the server's in one read-only transaction: never all of it in memory. The URL is best taken from the environment
    (`url: ${oc.env:DATABASE_URL}`): a password does not belong in a recipe.
    """

    libraries: ClassVar[tuple[str, ...]] = ("polars", "sqlalchemy")

    url: InputPath = Field(description="SQLAlchemy URL, such as postgresql+psycopg://user@host/database or sqlite:///data/rows.db")
    table: str | None = Field(default=None, min_length=1, description="the table or view: name, or schema.name; either this or a query")
    query: str | None = Field(default=None, min_length=1, description="SELECT … ORDER BY …; rows must come in the same order each time")
    order_by: tuple[str, ...] = Field(default=(), description="columns by which the table's rows are ordered; its primary key when none is named")
    version: str | None = Field(
        default=None,
        min_length=1,
        description="a query whose answer changes when the rows do, such as SELECT max(changed) FROM people; without it all rows are read to know that",
    )
    fetch: int = Field(default=20_000, ge=1, le=1_000_000, description="rows that are fetched at a time")

    @field_validator("query", "version")
    @classmethod
    def _reads_only(cls, value: str | None) -> str | None:
        if value is not None and not _SELECT.match(value):
            raise ValueError("one that begins with SELECT, WITH or VALUES")
        if value is not None and ";" in value.rstrip().rstrip(";"):
            raise ValueError("a single statement, without a semicolon in it")
        return value.strip().rstrip(";") if value is not None else None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.table is None) == (self.query is None):
            raise ValueError("needs either table or query" if self.table is None else "table and query exclude each other")
        if self.query is not None and self.order_by:
            raise ValueError("order_by belongs to table; write ORDER BY in the query")
        if self.query is not None and not _ORDER.search(self.query):
            raise ValueError("the query has no ORDER BY, and rows must come in the same order each time")
        return self

    def fingerprint(self) -> str:
        """The answer to the query `version`, else a digest of all rows."""
        if self.version is not None:
            from sqlalchemy import text
            from sqlalchemy.exc import SQLAlchemyError

            try:
                with connected(engine_at(self.url, "source.url"), "source.url") as connection:
                    answer = connection.execute(text(_literal(self.version))).fetchall()
            except SQLAlchemyError as error:
                raise told(error, "source.version") from None
            return f"version {[tuple(row) for row in answer[:100]]}"
        digest = hashlib.sha256()
        for frame in self._frames():
            digest.update(frame.write_ipc(None).getvalue())
        return f"rows {digest.hexdigest()}"

    def scan(self) -> pl.LazyFrame:
        """The rows, in their order; read when they are asked for."""
        from polars.io.plugins import register_io_source

        first = next(self._frames(), None)
        if first is None:
            raise DataError(f"source.{'table' if self.table else 'query'}: there are no rows", hint="Is it the right one?")
        schema = first.schema

        def rows(columns: list[str] | None, predicate: pl.Expr | None, most: int | None, size: int | None) -> Iterator[pl.DataFrame]:
            for frame in self._frames():
                part = frame.select(columns) if columns is not None else frame
                part = part if most is None else part.head(most)
                most = None if most is None else most - part.height
                yield part if predicate is None else part.filter(predicate)
                if most == 0:
                    return

        return register_io_source(rows, schema=schema)

    def batches(self, rows: int) -> Iterator[pl.DataFrame]:
        """All rows in frames of that many, straight from the cursor."""
        import polars as pl

        kept: list[pl.DataFrame] = []
        for frame in self._frames():
            kept.append(frame)
            if sum(one.height for one in kept) >= rows:
                whole = pl.concat(kept)
                while whole.height >= rows:
                    yield whole.head(rows)
                    whole = whole.slice(rows)
                kept = [whole]
        rest = pl.concat(kept) if kept else None
        if rest is not None and rest.height:
            yield rest

    def _frames(self) -> Iterator[pl.DataFrame]:
        """The rows as they are fetched."""
        from sqlalchemy.exc import SQLAlchemyError

        where = "source.table" if self.table else "source.query"
        engine = engine_at(self.url, "source.url")
        try:
            with connected(engine, "source.url") as connection:
                result = connection.execution_options(stream_results=True, max_row_buffer=self.fetch).execute(self._statement(connection))
                with result:
                    answers = Answers(_distinct(list(result.keys()), where), where)
                    for some in result.partitions(self.fetch):
                        yield answers.frame(some)
        except SQLAlchemyError as error:
            raise told(error, where) from None
        finally:
            engine.dispose()

    def _statement(self, connection: Connection) -> Executable:
        from sqlalchemy import select, text

        if self.table is None:
            return text(_literal(str(self.query)))
        table = reflected(connection, self.table, "source.table")
        names = self.order_by or [column.name for column in table.primary_key]
        if not names:
            told = f"source.table: {self.table} has no primary key, and rows must come in the same order each time"
            raise DataError(told, hint="Name the columns by which they are ordered: source.order_by.")
        lacking = [name for name in names if name not in table.c]
        if lacking:
            raise DataError(f"source.order_by: {self.table} has no column {lacking[0]!r}", hint=f"It has {', '.join(list(table.c.keys())[:20])}.")
        return select(*table.c).order_by(*(table.c[name] for name in names))


def _literal(query: str) -> str:
    """A colon is no parameter: there are none."""
    return query.replace("\\", "\\\\").replace(":", "\\:")


def _distinct(names: Sequence[str], where: str) -> list[str]:
    twice = sorted({name for name in names if list(names).count(name) > 1})
    if twice:
        raise DataError(f"{where}: two columns are named {twice[0]!r}", hint="Give one another name: SELECT a.id AS a_id, …")
    return list(names)
