"""The sql source."""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from mlforge.builtin.sources.answers import Answers
from mlforge.builtin.sources.partition import Partition
from mlforge.components import InputPath, Source
from mlforge.errors import DataError
from mlforge.runtime.databases import connected, engine_at, told

if TYPE_CHECKING:
    import polars as pl
    from sqlalchemy import Engine

    from mlforge.builtin.sources.kept import Kept

__all__ = ["Sql"]

_SELECT = re.compile(r"\s*(select|with|values)\b", re.IGNORECASE)
_ORDER = re.compile(r"\border\s+by\b", re.IGNORECASE)

_kept: dict[str, Kept] = {}  # by source: rows that were read to tell whether they have changed, and that no pass has wanted yet
_read: dict[str, str] = {}  # by source: digest of the rows that were last read to their end


class Sql(Source):
    """Rows of a database: a table, or the answer to a query.

    Read through a cursor of the server's, or in columns by ADBC, in one read-only transaction: never all of it in memory. The URL is best taken from the
    environment (`url: ${oc.env:DATABASE_URL}`): a password does not belong in a recipe.
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
    driver: Literal["sqlalchemy", "adbc", "auto"] = Field(
        default="sqlalchemy", description="what brings the rows: the URL's own driver, ADBC's (PostgreSQL, SQLite), or ADBC's where it is installed"
    )
    partition: Partition | None = Field(
        default=None, description="read a table by several connections at once; rows then come in turns, `fetch` of each part, on PostgreSQL of one snapshot"
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
        if self.query is not None and self.partition is not None:
            raise ValueError("partition belongs to table; make a view of the query")
        if self.query is not None and not _ORDER.search(self.query):
            raise ValueError("the query has no ORDER BY, and rows must come in the same order each time")
        return self

    def fingerprint(self) -> str:
        """The answer to the query `version`, else a digest of all rows; these wait on the disk for the pass that wants them."""
        if self.version is not None:
            return f"version {self._version(self.version)}"
        from mlforge.builtin.sources.kept import Kept

        self._drop()
        kept = _kept[self._name] = Kept(self._asked(), self._where)
        _read[self._name] = kept.digest
        return f"rows {kept.digest}"

    def witnessed(self) -> str:
        """Without `version`, the digest of the rows that were last read to their end."""
        digest = _read.get(self._name) if self.version is None else None
        return self.fingerprint() if digest is None else f"rows {digest}"

    def scan(self) -> pl.LazyFrame:
        """The rows, in their order; read when they are asked for."""
        from polars.io.plugins import register_io_source

        first = next(self._frames(), None)
        if first is None:
            raise DataError(f"{self._where}: there are no rows", hint="Is it the right one?")
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
        """The rows: those that are kept, else from the database."""
        from mlforge.builtin.sources.kept import digested

        if (kept := _kept.get(self._name)) is not None:
            yield from kept.frames()
            self._drop()
        elif self.version is not None:
            yield from self._asked()
        else:
            digest = hashlib.sha256()
            yield from digested(self._asked(), digest)
            _read[self._name] = digest.hexdigest()

    def _drop(self) -> None:
        if (kept := _kept.pop(self._name, None)) is not None:
            kept.close()

    def _asked(self) -> Iterator[pl.DataFrame]:
        """The rows as they are fetched."""
        engine, answers = engine_at(self.url, "source.url"), Answers(self._where)
        try:
            for frame in self._answered(engine):
                yield answers.alike(frame)
        finally:
            engine.dispose()

    def _answered(self, engine: Engine) -> Iterator[pl.DataFrame]:
        from sqlalchemy.exc import SQLAlchemyError

        from mlforge.builtin.sources.adbc import adbc_frames, has_adbc
        from mlforge.builtin.sources.cursor import cursor_frames
        from mlforge.builtin.sources.lanes import by_turns
        from mlforge.builtin.sources.partition import exported_snapshot, statements

        by_adbc = self.driver == "adbc" or (self.driver == "auto" and has_adbc(engine))
        read = functools.partial(adbc_frames if by_adbc else cursor_frames, engine, rows=self.fetch, where=self._where)
        if self.table is None:
            yield from read(str(self.query))
            return
        try:
            with connected(engine, "source.url", repeatable=self.partition is not None) as connection:
                asked = statements(connection, self.table, self.order_by, self.partition)
                if len(asked) > 1:
                    snapshot = exported_snapshot(connection)
                    yield from by_turns([functools.partial(read, one, snapshot=snapshot) for one in asked])
        except SQLAlchemyError as error:
            raise told(error, self._where) from None
        if len(asked) == 1:
            yield from read(asked[0])

    def _version(self, query: str) -> list[tuple[object, ...]]:
        from sqlalchemy.exc import SQLAlchemyError

        engine = engine_at(self.url, "source.url")
        try:
            with connected(engine, "source.url") as connection:
                answer = connection.execution_options(no_parameters=True).exec_driver_sql(query).fetchmany(100)
        except SQLAlchemyError as error:
            raise told(error, "source.version") from None
        finally:
            engine.dispose()
        return [tuple(row) for row in answer]

    @property
    def _where(self) -> str:
        return "source.table" if self.table else "source.query"

    @property
    def _name(self) -> str:
        return self.model_dump_json()
