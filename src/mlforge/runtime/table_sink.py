"""Predictions into a table of a database: whole or not at all, every row once, continued after a kill.

Rows are written in transactions into a table of our own beside the target; each transaction also notes how far it came, so that the same command goes on
from there. When all are there, one transaction brings them into the target, by insert or by upsert, and notes that the work is done.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlforge.errors import DataError, RecipeError, RunFailed
from mlforge.runtime.databases import connected, copied, engine_at, found_table, kind_of, told

if TYPE_CHECKING:
    import polars as pl
    from sqlalchemy import Connection, Engine, Table

__all__ = ["TableSink", "Target"]

_PROGRESS = "mlforge_progress"
_UPSERTS = ("postgresql", "sqlite")


@dataclass(frozen=True, slots=True)
class Target:
    """Where predictions go: a table of a database, and the columns by which a row that is there already is replaced."""

    url: str
    table: str
    key: tuple[str, ...] = ()


class TableSink:
    """A table that is being filled. `job` names the work: the same job goes on where it was, another one begins anew."""

    def __init__(self, target: Target, job: str, *, again: bool = False) -> None:
        self.target, self._job, self._owner = target, job, uuid.uuid4().hex
        self._engine: Engine = engine_at(target.url, "--sink")
        if target.key and self._engine.dialect.name not in _UPSERTS:
            raise RecipeError(f"--key: rows are replaced by key in {' and '.join(_UPSERTS)}, not in {self._engine.dialect.name}", hint="Leave out --key.")
        schema, _, name = target.table.rpartition(".")
        self._schema = schema or None
        self._staging = f"mlforge_{hashlib.sha256(name.encode()).hexdigest()[:16]}"
        self.rows = self.predicted = self.rejected = 0
        self.finished = False
        self._begin(again)

    # ── progress ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _progress(self) -> Table:
        import sqlalchemy as sa

        numbers = (sa.Column(name, sa.BigInteger, nullable=False) for name in ("row_count", "predicted", "rejected"))
        texts = (sa.Column(name, sa.String(64), nullable=False) for name in ("job", "owner", "state"))
        return sa.Table(_PROGRESS, sa.MetaData(), sa.Column("target", sa.String(255), primary_key=True), *texts, *numbers, schema=self._schema)

    def _begin(self, again: bool) -> None:
        progress = self._progress()
        with self._transaction() as connection:
            progress.create(connection, checkfirst=True)
        with self._transaction() as connection:
            here = progress.c.target == self.target.table
            noted = connection.execute(progress.select().where(here)).mappings().one_or_none()
            if noted is None:
                new = {"target": self.target.table, "job": self._job, "owner": self._owner, "state": "writing", "row_count": 0, "predicted": 0, "rejected": 0}
                connection.execute(progress.insert().values(**new))
            elif noted["job"] == self._job and not (again and noted["state"] == "done"):
                self.rows, self.predicted, self.rejected = noted["row_count"], noted["predicted"], noted["rejected"]
                self.finished = noted["state"] == "done"
                connection.execute(progress.update().where(here).values(owner=self._owner))
            else:
                connection.execute(
                    progress.update().where(here).values(job=self._job, owner=self._owner, state="writing", row_count=0, predicted=0, rejected=0)
                )
            if self.rows == 0 or self.finished:
                self._drop(connection)

    def _advance(self, connection: Connection, rows: int, predicted: int, rejected: int, state: str = "writing") -> None:
        """Note how far it came, if nobody else has taken over."""
        progress = self._progress()
        mine = (progress.c.target == self.target.table) & (progress.c.owner == self._owner) & (progress.c.row_count == self.rows)
        noted = connection.execute(progress.update().where(mine).values(row_count=rows, predicted=predicted, rejected=rejected, state=state))
        if noted.rowcount != 1:
            raise RunFailed(f"--sink: another process writes to {self.target.table} now", hint="Let it finish, then give this command again.")

    # ── rows ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

    def write(self, predicted: pl.DataFrame, rejected: pl.DataFrame | None, rows: int) -> None:
        """Rows that were predicted and rows that break the contract, through row `rows` of the source: in one transaction."""
        done = (self.predicted + predicted.height, self.rejected + (rejected.height if rejected is not None else 0))
        with self._transaction() as connection:
            self._advance(connection, rows, *done)
            copied(connection, self._made(connection, self._staging, predicted), predicted)
            if rejected is not None:
                raw = _as_text(rejected)
                copied(connection, self._made(connection, f"{self._staging}_rejected", raw), raw)
        self.rows, (self.predicted, self.rejected) = rows, done

    def commit(self) -> None:
        """Bring the rows into the target, and see that each is there once."""
        with self._transaction() as connection:
            staging = self._staged(connection, self._staging)
            found = found_table(connection, self.target.table)
            target = self._create(connection, self.target.table, staging, self.target.key) if found is None else found
            self._fits(connection, staging, target)
            aside = self._staged(connection, f"{self._staging}_rejected", needed=False)
            name = f"{self.target.table}_rejected"
            refused = found_table(connection, name)
            if aside is not None and refused is None:
                refused = self._create(connection, name, aside, ())
        with self._transaction() as connection:
            self._advance(connection, self.rows, self.predicted, self.rejected, "done")
            connection.execute(self._brought(staging, target))
            if refused is not None:
                connection.execute(refused.delete())  # those of the last job, as with files
            if aside is not None and refused is not None:
                connection.execute(_inserted(aside, refused))
        with self._transaction() as connection:
            self._drop(connection)
        self.finished = True

    def close(self) -> None:
        """Close the connection; what is not committed waits for the same command."""
        self._engine.dispose()

    def _brought(self, staging: Table, target: Table) -> Any:
        """The statement that inserts, or replaces by key."""
        statement = _inserted(staging, target, self._engine.dialect.name)
        if not self.target.key:
            return statement
        others = [column.name for column in _shared(staging, target) if column.name not in self.target.key]
        keys = [target.c[name] for name in self.target.key]
        return statement.on_conflict_do_update(index_elements=keys, set_={name: statement.excluded[name] for name in others})

    def _fits(self, connection: Connection, staging: Table, target: Table) -> None:
        import sqlalchemy as sa

        lacking = [name for name in staging.c.keys() if name not in target.c and name != "row"]  # noqa: SIM118 - a collection of columns
        if lacking:
            raise DataError(
                f"--sink: the table {self.target.table} has no column {lacking[0]!r}", hint=f"It needs {', '.join(lacking[:10])}; or name a new table."
            )
        if not self.target.key:
            return
        unique = [{column.name for column in target.primary_key}, *(set(one["column_names"]) for one in _uniques(connection, target))]
        if set(self.target.key) not in unique:
            named = ", ".join(self.target.key)
            raise DataError(f"--key: no primary key or unique constraint of {self.target.table} is {named}", hint=f"CREATE UNIQUE INDEX … ({named}).")
        keys = [staging.c[name] for name in self.target.key]
        empty = connection.execute(sa.select(staging.c.row).where(sa.or_(*(key.is_(None) for key in keys))).limit(1)).scalar()
        if empty is not None:
            raise DataError(f"--key: row {empty} of the source has no value in it", hint="Rows are replaced by key: each needs one.")
        twice = connection.execute(sa.select(*keys).group_by(*keys).having(sa.func.count() > 1).limit(1)).one_or_none()
        if twice is not None:
            raise DataError(f"--key: {self.target.key} = {tuple(twice)} stands in more than one row of the source", hint="Name columns that tell rows apart.")

    def _made(self, connection: Connection, name: str, frame: pl.DataFrame) -> Table:
        """A table of ours with the columns of a frame."""
        import sqlalchemy as sa

        columns = [sa.Column(name, kind_of(dtype)) for name, dtype in frame.schema.items()]
        made = sa.Table(name, sa.MetaData(), *columns, schema=self._schema)
        made.create(connection, checkfirst=True)
        return made

    def _create(self, connection: Connection, name: str, like: Table, key: Sequence[str]) -> Table:
        import sqlalchemy as sa

        schema, _, table = name.rpartition(".")
        columns = [sa.Column(column.name, column.type, primary_key=column.name in key, autoincrement=False) for column in like.c]
        made = sa.Table(table, sa.MetaData(), *columns, schema=schema or None)
        made.create(connection)
        return made

    def _staged(self, connection: Connection, name: str, *, needed: bool = True) -> Any:
        table = found_table(connection, f"{self._schema}.{name}" if self._schema else name)
        if table is None and needed:
            raise DataError("source: there are no rows", hint="Is it the right source?")
        return table

    def _drop(self, connection: Connection) -> None:
        for name in (self._staging, f"{self._staging}_rejected"):
            table = self._staged(connection, name, needed=False)
            if table is not None:
                table.drop(connection)

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        from sqlalchemy.exc import SQLAlchemyError

        try:
            with connected(self._engine, "--sink", write=True) as connection, connection.begin():
                yield connection
        except SQLAlchemyError as error:
            raise told(error, f"--sink {self.target.table}") from None


def _as_text(rejected: pl.DataFrame) -> pl.DataFrame:
    """Rejected rows as a table keeps them, whatever their columns: `row`, `reason`, and the row itself as JSON in `raw`."""
    import polars as pl

    return rejected.select("row", "reason", raw=pl.struct(pl.exclude("row", "reason")).struct.json_encode())


def _shared(staging: Table, target: Table) -> list[Any]:
    return [column for column in staging.c if column.name in target.c]


def _inserted(staging: Table, target: Table, dialect: str = "") -> Any:
    """INSERT … SELECT of the columns that both have, as the types that the target has."""
    import sqlalchemy as sa
    from sqlalchemy.dialects import postgresql, sqlite

    insert = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}.get(dialect, sa.insert)
    shared = _shared(staging, target)
    as_target = [sa.cast(column, target.c[column.name].type) if str(column.type) != str(target.c[column.name].type) else column for column in shared]
    rows = sa.select(*as_target).where(sa.true())  # SQLite takes ON CONFLICT for a join without it
    return insert(target).from_select([column.name for column in shared], rows.order_by(staging.c.row))


def _uniques(connection: Connection, table: Table) -> list[Any]:
    from sqlalchemy import inspect

    inspector = inspect(connection)
    indexes = [index for index in inspector.get_indexes(table.name, schema=table.schema) if index.get("unique")]
    return [*inspector.get_unique_constraints(table.name, schema=table.schema), *indexes]
