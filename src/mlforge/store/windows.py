"""What the monitors of a model have seen, window by window: profiles of some kilobytes, never rows."""

from __future__ import annotations

import json
from collections.abc import Iterable

import sqlalchemy as sa

from mlforge.finding import Finding
from mlforge.store.database import Database
from mlforge.store.entries import KeptWindow
from mlforge.store.tables import windows
from mlforge.store.text import now, to_text

__all__ = ["Windows"]

_KEY = ("model", "version", "monitor", "windows", "part", "begins")


class Windows:
    """Windows by model version and monitor. One that is looked at again replaces what was kept of it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, kept: Iterable[KeptWindow]) -> int:
        """Write them down, all or none, and say how many were new or had changed."""
        changed = 0
        with self._database.write() as connection:
            for window in kept:
                row = {name: getattr(window, name) for name in (*_KEY, "ends", "rows", "labels", "rejected", "profile")}
                row |= {"findings": to_text([json.loads(finding.model_dump_json()) for finding in window.findings])}
                same = sa.and_(*(windows.c[name] == row[name] for name in _KEY))
                before = connection.execute(sa.select(windows).where(same)).mappings().first()
                if before is not None and all(_plain(before[name]) == value for name, value in row.items()):
                    continue
                changed += 1
                connection.execute(sa.delete(windows).where(same))
                connection.execute(sa.insert(windows).values(**row, seen=now()))
        return changed

    def of(self, model: str, version: int | None = None, *, since: str | None = None, profiles: bool = True) -> list[KeptWindow]:
        """The windows of a model, or of one version, from the oldest on. Those that began before `since` are left out; profiles are, unless asked for."""
        chosen = [windows.c.model == model]
        chosen += [windows.c.version == version] if version is not None else []
        chosen += [windows.c.begins >= since] if since is not None else []
        columns = [column for column in windows.c if profiles or column.name != "profile"]
        query = sa.select(*columns).where(*chosen).order_by(windows.c.begins, windows.c.version, windows.c.monitor, windows.c.part)
        with self._database.read() as connection:
            return [_kept(dict(row), profiles) for row in connection.execute(query).mappings()]


def _plain(value: object) -> object:
    """A value of a row; PostgreSQL's driver gives bytes as a view of them."""
    return bytes(value) if isinstance(value, memoryview) else value


def _kept(row: dict[str, object], profiles: bool) -> KeptWindow:
    findings = tuple(Finding.model_validate(one) for one in json.loads(str(row.pop("findings"))))
    profile = bytes(row.pop("profile")) if profiles else b""  # type: ignore[call-overload]  # a database's bytes
    return KeptWindow(**row, profile=profile, findings=findings)  # type: ignore[arg-type]
