"""Signatures of versions, as they were written. Whether one counts, who opens the version decides by the keys that the project trusts."""

from __future__ import annotations

import sqlalchemy as sa

from mlforge.store.audit import Audit, who
from mlforge.store.database import Database
from mlforge.store.entries import KeptSignature, Version
from mlforge.store.tables import signatures
from mlforge.store.text import now

__all__ = ["Signatures", "add_signature"]


class Signatures:
    """By version, and of each the newest by every key."""

    def __init__(self, database: Database, audit: Audit) -> None:
        self._database = database
        self._audit = audit

    def add(self, version: Version, key: str, envelope: str, actor: str | None = None) -> None:
        """Keep a signature; an earlier one with the same key goes."""
        with self._database.write() as connection:
            add_signature(connection, self._audit, version, key, envelope, actor)

    def of(self, version: Version) -> list[KeptSignature]:
        """All of a version, the newest first."""
        chosen = sa.and_(signatures.c.model == version.model, signatures.c.version == version.version)
        order = (signatures.c.created.desc(), signatures.c.key)
        with self._database.read() as connection:
            return [KeptSignature(**row) for row in connection.execute(sa.select(signatures).where(chosen).order_by(*order)).mappings()]


def add_signature(connection: sa.Connection, audit: Audit, version: Version, key: str, envelope: str, actor: str | None) -> None:
    """Keep a signature within a transaction."""
    same = sa.and_(signatures.c.model == version.model, signatures.c.version == version.version, signatures.c.key == key)
    connection.execute(sa.delete(signatures).where(same))
    row = {"model": version.model, "version": version.version, "key": key, "envelope": envelope}
    connection.execute(sa.insert(signatures).values(**row, actor=actor or who(), created=now()))
    audit.append(connection, "signed", str(version), {"key": key, "bundle": version.bundle}, actor)
