"""What the monitors of a model have seen, window by window: profiles of some kilobytes, never rows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace

import sqlalchemy as sa

from mlforge.finding import Finding
from mlforge.store.database import Database
from mlforge.store.entries import KeptWindow
from mlforge.store.tables import windows
from mlforge.store.text import now, to_text

__all__ = ["Windows"]

_KEY = ("model", "version", "monitor", "windows", "part", "begins", "reference", "writer")


class Windows:
    """Windows by model version, monitor, reference and writer. What a writer has looked at again replaces what was kept of it.

    A server is a writer and keeps what it has counted itself: servers that share a store are added up. Who has looked at all rows of a log, as
    `mlforge monitor` does, is the writer without a name, and stands beside them; of the two, whoever has seen more rows is right.
    """

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

    def of(self, model: str, version: int | None = None, *, since: str | None = None) -> list[KeptWindow]:
        """The windows of a model, or of one version, from the oldest on, without profiles: one for each, however many servers have counted it.

        Those that began before `since` are left out. What was held against several references is told by the newest.
        """
        found: dict[tuple[str, ...], list[KeptWindow]] = {}
        for one in self.parts(model, version, since=since, profiles=False):
            found.setdefault((one.begins, str(one.version), one.monitor, one.windows, one.part), []).append(one)
        return [_whole(ones) for ones in found.values()]

    def parts(self, model: str, version: int | None = None, *, since: str | None = None, profiles: bool = True) -> list[KeptWindow]:
        """What each writer has kept of the windows, from the oldest on; `profiles` may be left out."""
        chosen = [windows.c.model == model]
        chosen += [windows.c.version == version] if version is not None else []
        chosen += [windows.c.begins >= since] if since is not None else []
        columns = [column for column in windows.c if profiles or column.name != "profile"]
        order = (windows.c.begins, windows.c.version, windows.c.monitor, windows.c.part, windows.c.reference, windows.c.writer)
        with self._database.read() as connection:
            return [_kept(dict(row), profiles) for row in connection.execute(sa.select(*columns).where(*chosen).order_by(*order)).mappings()]

    def counts(self, model: str, version: int, since: str, but: str) -> dict[tuple[str, ...], str]:
        """How much others than this writer have kept, by windows, part, beginning, monitor and writer."""
        names = ("windows", "part", "begins", "monitor", "writer")
        query = sa.select(*(windows.c[name] for name in names), windows.c.rows, windows.c.labels).where(
            windows.c.model == model, windows.c.version == version, windows.c.begins >= since, windows.c.writer != but
        )
        with self._database.read() as connection:
            return {tuple(row[:5]): f"{row[5]} {row[6]}" for row in connection.execute(query)}


def _whole(parts: Sequence[KeptWindow]) -> KeptWindow:
    """One window, of what several have kept."""
    if len(parts) == 1:
        return parts[0]
    newest = max(parts, key=lambda one: (bool(one.findings), one.seen))
    here = [one for one in parts if one.reference == newest.reference]
    servers = [one for one in here if one.writer]
    counted = tuple(sum(getattr(one, name) for one in servers) for name in ("rows", "labels", "rejected"))
    told = max([counted, *((one.rows, one.labels, one.rejected) for one in here if not one.writer)])
    return replace(newest, rows=told[0], labels=told[1], rejected=told[2])


def _plain(value: object) -> object:
    """A value of a row; PostgreSQL's driver gives bytes as a view of them."""
    return bytes(value) if isinstance(value, memoryview) else value


def _kept(row: dict[str, object], profiles: bool) -> KeptWindow:
    findings = tuple(Finding.model_validate(one) for one in json.loads(str(row.pop("findings"))))
    profile = bytes(row.pop("profile")) if profiles else b""  # type: ignore[call-overload]  # a database's bytes
    return KeptWindow(**row, profile=profile, findings=findings)  # type: ignore[arg-type]
