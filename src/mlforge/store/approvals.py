"""What people said of a verdict: who signed it, in which role, or turned it down."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from mlforge.errors import RecipeError
from mlforge.store.audit import Audit
from mlforge.store.database import Database
from mlforge.store.entries import Signature
from mlforge.store.tables import approvals, versions
from mlforge.store.text import now

__all__ = ["Approvals"]


class Approvals:
    """Signatures. Each is under one verdict on one bundle of one model, and under no other."""

    def __init__(self, database: Database, audit: Audit) -> None:
        self._database = database
        self._audit = audit

    def sign(self, model: str, *, bundle: str, verdict: str, role: str, approved: bool, actor: str, run: str, reason: str = "") -> tuple[Signature, bool]:
        """Write down what `actor` says; False beside it when this was said before. What is said last counts, and all of it stays in the audit log.

        Raises RecipeError for a rejection that comes too late: the bundle is a version already.
        """
        with self._database.write() as connection:
            said = _said(connection, model, bundle, verdict).get(role)
            if said is not None and (said.approved, said.actor) == (approved, actor):
                return said, False
            if not approved and (known := _version(connection, model, bundle)):
                hint = f"mlforge promote {model} VERSION makes another version the champion."
                raise RecipeError(f"{model} {known} is registered already; a rejection comes too late.", hint=hint)
            row = {"model": model, "bundle": bundle, "verdict": verdict, "role": role, "approved": approved, "reason": reason, "run": run}
            signature = Signature(**row, actor=actor, created=now())  # type: ignore[arg-type]  # one value is no string
            connection.execute(sa.insert(approvals).values(**row, actor=actor, created=signature.created))
            details = {"bundle": bundle, "verdict": verdict, "role": role, "reason": reason, "run": run}
            self._audit.append(connection, "approved" if approved else "rejected", model, details, actor)
            return signature, True

    def of(self, model: str, bundle: str, verdict: str) -> Mapping[str, Signature]:
        """What counts of what was said of this verdict on this bundle, by role."""
        with self._database.read() as connection:
            return _said(connection, model, bundle, verdict)


def _said(connection: sa.Connection, model: str, bundle: str, verdict: str) -> dict[str, Signature]:
    columns = [column for column in approvals.c if column.name != "id"]
    chosen = sa.and_(approvals.c.model == model, approvals.c.bundle == bundle, approvals.c.verdict == verdict)
    rows = connection.execute(sa.select(*columns).where(chosen).order_by(approvals.c.id)).mappings()
    return {row["role"]: Signature(**row) for row in rows}


def _version(connection: sa.Connection, model: str, bundle: str) -> int | None:
    return connection.execute(sa.select(versions.c.version).where(versions.c.model == model, versions.c.bundle == bundle)).scalar()
