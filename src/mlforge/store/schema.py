"""Bringing the tables to the newest schema when a store is opened."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from mlforge.errors import MissingRequirement
from mlforge.store.database import Database
from mlforge.store.tables import metadata

__all__ = ["NEWEST", "ensure", "migrate"]

NEWEST = "0007"
_version = sa.table("alembic_version", sa.column("version_num"))


def ensure(database: Database) -> None:
    """Create or upgrade the tables if they are not the newest. Alembic is imported only for an upgrade: that costs more than the rest of opening."""
    with database.read() as connection:
        if _revision(connection) == NEWEST:
            return
    with _alone(database):
        if database.engine.dialect.name == "sqlite":
            _write_ahead(database)
        with database.write() as connection:
            found = _revision(connection)  # again, now that nobody else can change it
            if found is None and not sa.inspect(connection).get_table_names():
                _create(connection)
            elif found != NEWEST:
                migrate(connection, found)


def migrate(connection: sa.Connection, found: str | None) -> None:
    """Run the migrations from `found` to the newest, within the connection's transaction."""
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        raise MissingRequirement(
            f"The records have schema {found}, and this mlforge knows none after {NEWEST}: a newer mlforge has written them.",
            hint="pip install --upgrade mlforge",
        )
    command.upgrade(config, "head")


def _revision(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(sa.select(_version.c.version_num)).scalar()


def _create(connection: sa.Connection) -> None:
    """A new store: the tables as they are now, marked with their version. A test compares them with what the migrations make."""
    metadata.create_all(connection, checkfirst=False)
    connection.execute(sa.text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"))
    connection.execute(sa.insert(_version).values(version_num=NEWEST))


def _write_ahead(database: Database) -> None:
    """Readers and a writer side by side. The mode stays with the file; it cannot be set within a transaction."""
    connection = database.engine.raw_connection()
    try:
        connection.cursor().execute("PRAGMA journal_mode=WAL")
    finally:
        connection.close()


@contextmanager
def _alone(database: Database) -> Iterator[None]:
    """SQLite does not wait for its turn when the journal's mode changes, so processes that open a new store at once queue here."""
    path = database.engine.url.database if database.engine.dialect.name == "sqlite" else None
    if not path or path == ":memory:":
        yield
        return
    descriptor = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
