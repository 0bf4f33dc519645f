"""The engine, and transactions that take the lock first."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from mlforge.errors import MissingRequirement, MlforgeError, RunFailed
from mlforge.secrets import mask

__all__ = ["Database"]

_BUSY = 60.0  # seconds that a writer waits for another before it gives up
_ADVISORY = 0x6D6C666F  # "mlfo": the lock that all writers of a PostgreSQL database take


class Database:
    """Where the records lie: SQLite or PostgreSQL. `read()` and `write()` give a connection within a transaction."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine
        self._writers = {durable: engine.execution_options(mlforge_write=True, mlforge_durable=durable) for durable in (True, False)}

    @classmethod
    def at(cls, url: str) -> Database:
        """Connect lazily to `url`; `MissingRequirement` when no driver for it is installed."""
        try:
            parsed = sa.make_url(url)
            options: dict[str, Any] = {"connect_args": {"timeout": _BUSY}} if parsed.get_backend_name() == "sqlite" else {"pool_pre_ping": True}
            engine = sa.create_engine(parsed, **options)
        except sa.exc.ArgumentError as error:
            raise MissingRequirement(f"store: {mask(str(error))}.", hint="It looks like sqlite:///path or postgresql+psycopg://user@host/name.") from error
        except ImportError as error:
            raise MissingRequirement(f"The records need a driver that is missing: {error}.", hint="pip install 'mlforge[postgres]'") from error
        if engine.dialect.name == "sqlite":
            sa.event.listen(engine, "connect", _prepare)
            sa.event.listen(engine, "begin", _begin)
        return cls(engine)

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A transaction that only reads: one consistent view."""
        with _explained(self.engine), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def write(self, *, durable: bool = True) -> Iterator[sa.Connection]:
        """A transaction that holds the writers' lock before it reads anything, so that what it read still holds when it writes.

        Whole or not at all in any case, and kept when the process is killed. Not `durable`: a loss of power may undo it, and it does not wait
        for the disk. That is for notes, such as that a stage was begun, of which a run writes many.
        """
        with _explained(self.engine), self._writers[durable].begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY})
                if not durable:
                    connection.execute(sa.text("SET LOCAL synchronous_commit = off"))
            yield connection

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


def _prepare(connection: Any, record: object) -> None:
    """Let us begin transactions ourselves: the driver would begin them late, with the lock taken only at the first write."""
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys=ON")


def _begin(connection: sa.Connection) -> None:
    options = connection.get_execution_options()
    if options.get("mlforge_write"):
        connection.exec_driver_sql(f"PRAGMA synchronous={'FULL' if options['mlforge_durable'] else 'NORMAL'}")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("mlforge_write") else "BEGIN")


@contextmanager
def _explained(engine: sa.Engine) -> Iterator[None]:
    """Errors of the database as ones that say what to do."""
    try:
        yield
    except MlforgeError:
        raise
    except (sa.exc.OperationalError, sa.exc.DatabaseError) as error:
        if isinstance(error, sa.exc.IntegrityError | sa.exc.ProgrammingError | sa.exc.DataError):
            raise  # our own mistake
        raise _failure(engine, str(error.orig).strip()) from error


def _failure(engine: sa.Engine, reason: str) -> MlforgeError:
    where = engine.url.render_as_string(hide_password=True)
    if engine.dialect.name == "postgresql":
        return MissingRequirement(f"The records at {where} cannot be used: {reason.splitlines()[0]}", hint="Start the database, or correct `store`.")
    if "full" in reason:
        return RunFailed(f"The disk is full: {where} could not be written.", hint="Free some space and give the same command again; it continues.")
    if "locked" in reason:
        return RunFailed(f"The records at {where} were locked for {_BUSY:.0f} s.", hint="Wait until the process that writes has finished, or stop it.")
    if "not a database" in reason or "malformed" in reason:
        hint = "Put a copy of the file back; or move it away and run the recipes again, which registers their models anew."
        return RunFailed(f"The records at {where} are damaged: {reason}.", hint=hint)
    return RunFailed(f"The records at {where} cannot be used: {reason}.", hint="Allow writing there, or choose another place for the store.")
