"""The audit log: append-only, each entry chained to the one before by its hash."""

from __future__ import annotations

import getpass
import hashlib
import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from mlforge.errors import RunFailed
from mlforge.store.database import Database
from mlforge.store.entries import AuditEntry
from mlforge.store.tables import audit
from mlforge.store.text import now, to_text

__all__ = ["Audit", "who"]

_FIRST = "0" * 64  # what the first entry names as its predecessor


class Audit:
    """Who did what, when. An entry is written in the same transaction as what it speaks of."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(self, connection: sa.Connection, event: str, subject: str, details: Mapping[str, Any], actor: str | None = None) -> str:
        """Add an entry within a writing transaction and give its hash."""
        last = connection.execute(sa.select(audit.c.number, audit.c.hash).order_by(audit.c.number.desc()).limit(1)).first()
        number, previous = (last.number + 1, last.hash) if last else (1, _FIRST)
        row = {
            "number": number,
            "time": now(),
            "actor": actor or who(),
            "event": event,
            "subject": subject,
            "details": to_text(details),
            "previous_hash": previous,
        }
        connection.execute(sa.insert(audit).values(**row, hash=_hash(row)))
        return _hash(row)

    def verify(self) -> int:
        """Check the chain from its first entry and give its length; `RunFailed` names the first entry that does not fit."""
        previous, count = _FIRST, 0
        with self._database.read() as connection:
            for row in connection.execute(sa.select(audit).order_by(audit.c.number)).mappings():
                count += 1
                if row["number"] != count:
                    raise _broken(row, f"entry {count} is missing")
                if row["previous_hash"] != previous:
                    raise _broken(row, "it does not follow the one before it")
                if row["hash"] != _hash(row):
                    raise _broken(row, "it was changed after it was written")
                previous = row["hash"]
        return count

    def newest(self) -> int:
        """The number of the newest entry, 0 when there is none: while it stays, nothing that is recorded has changed."""
        with self._database.read() as connection:
            return connection.execute(sa.select(sa.func.max(audit.c.number))).scalar() or 0

    def entries(self, limit: int = 50) -> list[AuditEntry]:
        """The newest entries, the newest first."""
        with self._database.read() as connection:
            return [_entry(row) for row in connection.execute(sa.select(audit).order_by(audit.c.number.desc()).limit(limit)).mappings()]

    def about(self, model: str) -> list[AuditEntry]:
        """Every entry about a model, its versions or its alerts, the oldest first."""
        named = audit.c.details.contains(f'"model":{to_text(model)}', autoescape=True)  # a first sieve: a text may say so too
        chosen = sa.or_(audit.c.subject == model, audit.c.subject.startswith(f"{model} ", autoescape=True), named)
        with self._database.read() as connection:
            found = [_entry(row) for row in connection.execute(sa.select(audit).where(chosen).order_by(audit.c.number)).mappings()]
        return [one for one in found if one.details.get("model", model) == model]


def _entry(row: Mapping[Any, Any]) -> AuditEntry:
    return AuditEntry(**{**row, "details": json.loads(row["details"])})


def who() -> str:
    """The user, where the system knows one."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"  # a container's user without a name


def _hash(row: Mapping[Any, Any]) -> str:
    """Over all fields but the hash itself, as canonical JSON, so that no two entries share a text."""
    fields = [row[name] for name in ("number", "time", "actor", "event", "subject", "details", "previous_hash")]
    return hashlib.sha256(json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()


def _broken(row: Mapping[Any, Any], why: str) -> RunFailed:
    return RunFailed(
        f"The audit log is broken at entry {row['number']} ({row['event']} of {row['subject']}, {row['time']}): {why}.",
        hint="Somebody wrote to the records by other means than mlforge; compare with a backup.",
    )
