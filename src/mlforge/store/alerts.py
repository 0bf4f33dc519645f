"""Alerts as the store keeps them: one for each stretch of windows that alarm, with what was told of it and to whom."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

import sqlalchemy as sa

from mlforge.errors import RecipeError
from mlforge.finding import Finding
from mlforge.store.audit import Audit, who
from mlforge.store.database import Database
from mlforge.store.entries import AlertState, KeptAlert, Silence
from mlforge.store.tables import alerts, silences
from mlforge.store.text import now, to_text

__all__ = ["Alerts", "silenced"]

_KEY = ("model", "version", "monitor", "finding", "part", "windows")
_SAID = ("begins", "ends", "count", "severity", "effect", "measure")
_RANK = {"info": 0, "warning": 1, "critical": 2}


class Alerts:
    """Alerts by number."""

    def __init__(self, database: Database, audit: Audit) -> None:
        self._database = database
        self._audit = audit

    def note(self, found: Iterable[KeptAlert]) -> list[KeptAlert]:
        """Write down what a look has found, all or nothing, and give it back as it is kept; the number of `found` does not count.

        What touches a stretch that is known is that alert and no other, so looking twice makes none twice. One that was acknowledged stays so, unless it has
        become worse.
        """
        with self._database.write() as connection:
            return [self._noted(connection, one) for one in found]

    def _noted(self, connection: sa.Connection, one: KeptAlert) -> KeptAlert:
        same = sa.and_(*(alerts.c[name] == getattr(one, name) for name in _KEY), alerts.c.begins < one.ends, alerts.c.ends > one.begins)
        row = connection.execute(sa.select(alerts).where(same).order_by(alerts.c.number.desc()).limit(1)).mappings().first()
        if row is None:
            number = (connection.execute(sa.select(sa.func.max(alerts.c.number))).scalar() or 0) + 1
            kept = replace(one, number=number, told={}, created=now())
            connection.execute(sa.insert(alerts).values(**_row(kept)))
            self._audit.append(connection, "alert", str(number), _details(kept))
            return kept
        before = _alert(row)
        worse = _RANK[one.severity] > _RANK[before.severity]
        state: AlertState = "acknowledged" if before.state == "acknowledged" and one.state == "open" and not worse else one.state
        kept = replace(one, number=before.number, told=before.told, actor=before.actor, reason=before.reason, created=before.created, state=state)
        if kept != before:
            connection.execute(sa.update(alerts).where(alerts.c.number == kept.number).values(**_row(kept)))
        if state != before.state or worse:
            self._audit.append(connection, "alert_over" if state == "over" else "alert", str(kept.number), _details(kept))
        return kept

    def close(self, numbers: Iterable[int], why: str = "no window alarms any more") -> None:
        """These are over, though nothing new was said of them: rows that came late have taken back why they were opened, or that is not known any more."""
        chosen = [*numbers]
        with self._database.write() as connection:
            for number in chosen:
                model = connection.execute(sa.update(alerts).where(alerts.c.number == number).values(state="over").returning(alerts.c.model)).scalar_one()
                self._audit.append(connection, "alert_over", str(number), {"model": model, "why": why})

    def told(self, number: int, channel: str, what: str) -> None:
        """A channel was told of it."""
        with self._database.write() as connection:
            said = json.loads(connection.execute(sa.select(alerts.c.told).where(alerts.c.number == number)).scalar_one())
            connection.execute(sa.update(alerts).where(alerts.c.number == number).values(told=to_text({**said, channel: what})))

    def acknowledge(self, number: int, reason: str = "", actor: str | None = None) -> tuple[KeptAlert, bool]:
        """Somebody looks after it: nobody is told again, unless it becomes worse. False beside it when that was so before, or it is over."""
        with self._database.write() as connection:
            before = self._found(connection, number)
            if before.state != "open":
                return before, False
            kept = replace(before, state="acknowledged", actor=actor or who(), reason=reason)
            connection.execute(sa.update(alerts).where(alerts.c.number == number).values(**_row(kept)))
            self._audit.append(connection, "alert_acknowledged", str(number), {"model": kept.model, "reason": reason}, actor)
            return kept, True

    def silence(self, model: str, finding: str, until: str, reason: str, actor: str | None = None) -> Silence:
        """Nobody is told of such findings until then."""
        made = Silence(model, finding, until, reason, actor or who(), now())
        with self._database.write() as connection:
            values = {name: getattr(made, name) for name in Silence.__dataclass_fields__}
            connection.execute(sa.insert(silences).values(**values))
            self._audit.append(connection, "silenced", model, {"finding": finding, "until": until, "reason": reason}, actor)
        return made

    def silences(self, at: str | None = None) -> list[Silence]:
        """Those that hold at a time; now, unless another is given."""
        columns = [column for column in silences.c if column.name != "id"]
        with self._database.read() as connection:
            rows = connection.execute(sa.select(*columns).where(silences.c.until > (at or now())).order_by(silences.c.id)).mappings()
            return [Silence(**row) for row in rows]

    def one(self, number: int) -> KeptAlert:
        """The alert of that number. RecipeError when there is none."""
        with self._database.read() as connection:
            return self._found(connection, number)

    def of(self, model: str | None = None, version: int | None = None, *, over: bool = True) -> list[KeptAlert]:
        """Alerts, ranked: those that cost most performance first, as far as is known; then by severity, then the newest. `over`: also those that are."""
        chosen = [alerts.c.model == model] if model is not None else []
        chosen += [alerts.c.version == version] if version is not None else []
        chosen += [] if over else [alerts.c.state != "over"]
        with self._database.read() as connection:
            found = [_alert(row) for row in connection.execute(sa.select(alerts).where(*chosen).order_by(alerts.c.number.desc())).mappings()]
        return sorted(found, key=lambda one: (one.state == "over", -(one.effect or 0.0), -_RANK[one.severity], one.begins))  # what was first may be the cause

    def _found(self, connection: sa.Connection, number: int) -> KeptAlert:
        row = connection.execute(sa.select(alerts).where(alerts.c.number == number)).mappings().first()
        if row is None:
            raise RecipeError(f"There is no alert {number}.", hint="`mlforge alerts ls --all` lists them.")
        return _alert(row)


def silenced(alert: KeptAlert, held: Iterable[Silence]) -> Silence | None:
    """The silence that an alert is under."""
    return next((one for one in held if one.model == alert.model and fnmatchcase(alert.finding, one.finding)), None)


def _row(alert: KeptAlert) -> dict[str, Any]:
    names = ("number", *_KEY, *_SAID, "state", "actor", "reason", "created")
    return {name: getattr(alert, name) for name in names} | {
        "told": to_text(alert.told),
        "body": to_text(json.loads(alert.newest.model_dump_json())),
    }


def _alert(row: Mapping[Any, Any]) -> KeptAlert:
    fields = {name: row[name] for name in ("number", *_KEY, *_SAID, "state", "actor", "reason", "created")}
    return KeptAlert(**fields, told=json.loads(row["told"]), newest=Finding.model_validate(json.loads(row["body"])))


def _details(alert: KeptAlert) -> dict[str, Any]:
    told = {"model": alert.model, "version": alert.version, "finding": alert.finding, "part": alert.part, "begins": alert.begins, "ends": alert.ends}
    return {**told, "severity": alert.severity, "state": alert.state, "effect": alert.effect, "text": alert.newest.text[:200]}
