"""Why models are trained again: each reason is written down before anything is done about it, so that none is lost and none begun twice."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from mlforge.secrets import mask
from mlforge.store.audit import Audit
from mlforge.store.database import Database
from mlforge.store.entries import KeptTrigger, TriggerState
from mlforge.store.owner import Owner
from mlforge.store.tables import triggers, versions
from mlforge.store.text import now, to_text

__all__ = ["ACTOR", "Triggers"]

ACTOR = "mlforge watch"


class Triggers:
    """Triggers by model and key."""

    def __init__(self, database: Database, audit: Audit) -> None:
        self._database = database
        self._audit = audit

    def begin(self, found: KeptTrigger) -> KeptTrigger | None:
        """Write a trigger down for this process, and give it as it is kept; None when one of that key is there, or another of its model has not ended."""
        with self._database.write() as connection:
            mine = triggers.c.model == found.model
            other = sa.and_(mine, sa.or_(triggers.c.key == found.key, triggers.c.state == "begun"))
            if connection.execute(sa.select(triggers.c.number).where(other).limit(1)).first() is not None:
                return None
            number = (connection.execute(sa.select(sa.func.max(triggers.c.number))).scalar() or 0) + 1
            known = connection.execute(sa.select(sa.func.max(versions.c.version)).where(versions.c.model == found.model)).scalar() or 0
            kept = replace(found, number=number, newest=known, owner=str(Owner.current()), created=found.created or now(), tries=1, state="begun")
            connection.execute(sa.insert(triggers).values(**_row(kept)))
            told = {"trigger": number, "why": kept.why, "text": kept.text, "alert": kept.alert, "until": kept.until}
            self._audit.append(connection, "retraining", kept.model, told, ACTOR)
            return kept

    def ordered(self, number: int, command: Sequence[str]) -> KeptTrigger:
        """What is to be run for it; the first that is said stays, so that whoever takes it up runs the same."""
        with self._database.write() as connection:
            kept = self._found(connection, number)
            if not kept.command:
                connection.execute(sa.update(triggers).where(triggers.c.number == number).values(command=to_text(list(command))))
            return self._found(connection, number)

    def take_up(self, number: int) -> KeptTrigger | None:
        """Go on with one whose process is gone; None when it has ended, or somebody works on it."""
        with self._database.write() as connection:
            kept = self._found(connection, number)
            owner = Owner.parse(kept.owner)
            if kept.state != "begun" or (owner is not None and owner != Owner.current() and owner.alive()):
                return None
            connection.execute(sa.update(triggers).where(triggers.c.number == number).values(owner=str(Owner.current()), tries=kept.tries + 1))
            return self._found(connection, number)

    def end(self, number: int, state: TriggerState, *, run: str = "", version: int | None = None, message: str = "") -> KeptTrigger:
        """What came of it; once it has ended, it stays so."""
        with self._database.write() as connection:
            kept = self._found(connection, number)
            if kept.state == "begun":
                values = {"state": state, "run": run, "version": version, "message": mask(message), "ended": now()}
                connection.execute(sa.update(triggers).where(triggers.c.number == number).values(**values))
                told = {"trigger": number, "why": kept.why, "state": state, "run": run, "version": version, "message": mask(message)[:300]}
                self._audit.append(connection, "retrained", kept.model, told, ACTOR)
            return self._found(connection, number)

    def of(self, model: str | None = None, *, since: str | None = None) -> list[KeptTrigger]:
        """Triggers of a model, or of all, that were begun at `since` or later; the oldest first."""
        chosen = [triggers.c.model == model] if model is not None else []
        chosen += [triggers.c.created >= since] if since is not None else []
        with self._database.read() as connection:
            return [_trigger(row) for row in connection.execute(sa.select(triggers).where(*chosen).order_by(triggers.c.number)).mappings()]

    def _found(self, connection: sa.Connection, number: int) -> KeptTrigger:
        return _trigger(connection.execute(sa.select(triggers).where(triggers.c.number == number)).mappings().one())


def _row(kept: KeptTrigger) -> dict[str, Any]:
    return {column.name: getattr(kept, column.name) for column in triggers.c} | {"command": to_text(list(kept.command))}


def _trigger(row: Mapping[Any, Any]) -> KeptTrigger:
    return KeptTrigger(**{**row, "command": tuple(json.loads(row["command"]))})
