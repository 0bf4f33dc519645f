"""Runs, what became of their stages, and what was found."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import sqlalchemy as sa

from mlforge.errors import RecipeError, nearest
from mlforge.finding import Finding
from mlforge.secrets import mask
from mlforge.store.audit import who
from mlforge.store.database import Database
from mlforge.store.entries import RunRecord, StageRecord, StageUse
from mlforge.store.owner import Owner
from mlforge.store.tables import attempts, runs
from mlforge.store.tables import findings as measured
from mlforge.store.text import now, to_text

__all__ = ["Records"]


class Records:
    """What ran, with which inputs and outputs. A stage is done when `finish_stage` has been committed, and never before."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin_run(self, recipe: str, plain: Mapping[str, Any], overrides: Sequence[str], smoke: bool) -> str:
        """Note that a run begins and give its id: unique, and sorted by time."""
        run = _new_id()
        row = {"id": run, "recipe": recipe, "state": "running", "smoke": smoke, "actor": who(), "owner": str(Owner.current()), "started": now(), "message": ""}
        with self._database.write(durable=False) as connection:
            _bury(connection)
            connection.execute(sa.insert(runs).values(**row, plain=to_text(plain), overrides=to_text(list(overrides))))
        return run

    def end_run(self, run: str, state: Literal["done", "failed", "refused", "waiting", "interrupted"], exit_code: int, message: str = "") -> None:
        """Note how a run ended."""
        with self._database.write() as connection:
            done = connection.execute(sa.update(runs).where(runs.c.id == run).values(state=state, exit_code=exit_code, message=mask(message), ended=now()))
            _one(done, f"run {run}")

    def start_stage(self, key: str, stage: str, recipe: str, run: str, parts: Mapping[str, str]) -> None:
        """Note that a run works on a stage; a retry replaces the attempt before."""
        with self._database.write(durable=False) as connection:
            _insert(connection, run, {"key": key, "stage": stage, "recipe": recipe, "state": "running", "parts": to_text(parts), "outputs": "{}"})

    def finish_stage(self, key: str, run: str, outputs: Mapping[str, str], findings: Sequence[Finding], seconds: float) -> None:
        """Note that a stage is done, with what it made and found: all of it or, after an error, nothing."""
        with self._database.write() as connection:
            attempt = _end(connection, key, run, state="done", outputs=to_text(outputs), seconds=seconds)
            if findings:
                connection.execute(sa.insert(measured), [_finding_row(attempt, position, finding) for position, finding in enumerate(findings)])

    def fail_stage(self, key: str, run: str, message: str) -> None:
        """Note that a stage failed, and why."""
        with self._database.write(durable=False) as connection:
            _end(connection, key, run, state="failed", message=mask(message))

    def reuse_stage(self, key: str, run: str) -> None:
        """Note that a run used what an earlier one made."""
        with self._database.write(durable=False) as connection:
            done = connection.execute(_newest(attempts.c.key == key, attempts.c.state == "done")).mappings().one()
            recipe = connection.execute(sa.select(runs.c.recipe).where(runs.c.id == run)).scalar_one()
            copied = {name: done[name] for name in ("key", "stage", "parts", "outputs", "seconds")}
            _insert(connection, run, {**copied, "recipe": recipe, "state": "reused", "ended": now()})

    def stage(self, key: str) -> StageRecord | None:
        """What is known of a key: the newest attempt that is done, else the newest."""
        with self._database.read() as connection:
            done = connection.execute(_newest(attempts.c.key == key, attempts.c.state == "done")).mappings().first()
            return _stage(done or connection.execute(_newest(attempts.c.key == key)).mappings().first())

    def latest(self, recipe: str, stage: str, smoke: bool = False) -> StageRecord | None:
        """What the recipe's stage was when it was last done or reused: what `plan` compares with."""
        chosen = (attempts.c.recipe == recipe, attempts.c.stage == stage, attempts.c.smoke == smoke, attempts.c.state.in_(("done", "reused")))
        with self._database.read() as connection:
            return _stage(connection.execute(_newest(*chosen)).mappings().first())

    def seconds(self, recipe: str, stage: str, smoke: bool = False) -> list[float]:
        """How long the stage took, the last ten times that it ran, the newest first."""
        chosen = (attempts.c.recipe == recipe, attempts.c.stage == stage, attempts.c.smoke == smoke, attempts.c.state == "done")
        with self._database.read() as connection:
            return [float(row["seconds"]) for row in connection.execute(_newest(*chosen, limit=10)).mappings()]

    def findings(self, key: str) -> list[Finding]:
        """What the stage found when it was last done, in its order."""
        newest = _newest(attempts.c.key == key, attempts.c.state == "done").with_only_columns(attempts.c.id).scalar_subquery()
        with self._database.read() as connection:
            bodies = connection.execute(sa.select(measured.c.body).where(measured.c.attempt == newest).order_by(measured.c.position)).scalars()
            return [Finding.model_validate_json(body) for body in bodies]

    def runs(self, recipe: str | None = None, limit: int = 20) -> list[RunRecord]:
        """The newest runs with their stages, the newest first."""
        query = sa.select(runs).order_by(runs.c.id.desc()).limit(limit)
        with self._database.read() as connection:
            rows = connection.execute(query if recipe is None else query.where(runs.c.recipe == recipe)).mappings().all()
            used = _uses(connection, [row["id"] for row in rows])
        return [_run(row, used.get(row["id"], ())) for row in rows]

    def newest_making(self, recipe: str, port: str, digest: str, *, also: str = "") -> RunRecord | None:
        """The newest run of a recipe that made or reused this artifact at that port, and something at the port `also` where one is named; no smoke run."""
        one, other = attempts.alias(), attempts.alias()
        usable = ("done", "reused")
        chosen = [one.c.recipe == recipe, one.c.state.in_(usable), one.c.smoke.is_(False), one.c.outputs.contains(_output(port, digest), autoescape=True)]
        query = sa.select(one.c.run).where(*chosen).order_by(one.c.run.desc()).limit(1)
        if also:
            beside = [other.c.run == one.c.run, other.c.state.in_(usable), other.c.outputs.contains(_output(also), autoescape=True)]
            query = query.where(sa.exists().where(*beside))
        with self._database.read() as connection:
            found = connection.execute(query).scalar()
        return None if found is None else self.run(found)

    def run(self, run: str) -> RunRecord:
        """The run with this id, or the only one whose id begins so; `RecipeError` when there is none or several."""
        wanted = run.strip().lower()
        with self._database.read() as connection:
            ids = list(
                connection.execute(sa.select(runs.c.id).where(runs.c.id.startswith(wanted, autoescape=True)).order_by(runs.c.id.desc()).limit(6)).scalars()
            )
            if len(ids) != 1:
                raise _unclear(connection, run, ids)
            row = connection.execute(sa.select(runs).where(runs.c.id == ids[0])).mappings().one()
            return _run(row, _uses(connection, ids).get(row["id"], ()))


_KILLED = "Its process was killed."
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's: no letters that are taken for digits


def _new_id() -> str:
    """A ULID in lower case: 48 bits of milliseconds, 80 random bits."""
    number = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10))
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))


def _bury(connection: sa.Connection) -> None:
    """Runs whose process was killed could not say so themselves."""
    for row in connection.execute(sa.select(runs.c.id, runs.c.owner).where(runs.c.state == "running")).all():
        if _gone(row.owner):
            connection.execute(sa.update(runs).where(runs.c.id == row.id).values(state="interrupted", ended=now(), message=_KILLED))


def _gone(written: str) -> bool:
    """Is the process that owns a run known to be dead?"""
    owner = Owner.parse(written)
    return owner is not None and not owner.alive()


def _insert(connection: sa.Connection, run: str, row: Mapping[str, Any]) -> None:
    smoke = connection.execute(sa.select(runs.c.smoke).where(runs.c.id == run)).scalar_one()
    connection.execute(sa.delete(attempts).where(attempts.c.run == run, attempts.c.key == row["key"]))
    connection.execute(sa.insert(attempts).values(**{"run": run, "smoke": smoke, "started": now(), "message": "", **row}))


def _end(connection: sa.Connection, key: str, run: str, **values: Any) -> int:
    chosen = sa.and_(attempts.c.key == key, attempts.c.run == run)
    _one(connection.execute(sa.update(attempts).where(chosen).values(**values, ended=now())), f"stage {key} of run {run}")
    return int(connection.execute(sa.select(attempts.c.id).where(chosen)).scalar_one())


def _one(result: sa.CursorResult[Any], what: str) -> None:
    if result.rowcount != 1:
        raise LookupError(f"{what} was never begun")


def _output(port: str, digest: str = "") -> str:
    """How canonical JSON names what is at a port."""
    return f'"{port}":"{digest}' + ('"' if digest else "")


def _newest(*conditions: sa.ColumnElement[bool], limit: int = 1) -> sa.Select[Any]:
    return sa.select(attempts).where(*conditions).order_by(attempts.c.id.desc()).limit(limit)


def _finding_row(attempt: int, position: int, finding: Finding) -> dict[str, Any]:
    value = finding.value if finding.value is not None and math.isfinite(finding.value) else None
    body = to_text(json.loads(finding.model_dump_json()))
    return {"attempt": attempt, "position": position, "name": finding.name, "value": value, "body": body}


def _stage(row: Mapping[Any, Any] | None) -> StageRecord | None:
    if row is None:
        return None
    fields = {name: row[name] for name in ("key", "stage", "recipe", "state", "seconds", "run")}
    return StageRecord(**fields, parts=json.loads(row["parts"]), outputs=json.loads(row["outputs"]))


def _uses(connection: sa.Connection, ids: Sequence[str]) -> dict[str, tuple[StageUse, ...]]:
    used: dict[str, tuple[StageUse, ...]] = {}
    for row in connection.execute(sa.select(attempts).where(attempts.c.run.in_(ids)).order_by(attempts.c.id)):
        use = StageUse(row.stage, row.key, row.state, json.loads(row.outputs), row.seconds, row.message)
        used[row.run] = (*used.get(row.run, ()), use)
    return used


def _run(row: Mapping[Any, Any], stages: tuple[StageUse, ...]) -> RunRecord:
    fields = {name: row[name] for name in ("id", "recipe", "state", "smoke", "actor", "started", "ended", "exit_code", "message")}
    if row["state"] == "running" and _gone(row["owner"]):
        fields |= {"state": "interrupted", "message": _KILLED}  # as the next run will write it down
    return RunRecord(**fields, plain=json.loads(row["plain"]), overrides=tuple(json.loads(row["overrides"])), stages=stages)


def _unclear(connection: sa.Connection, run: str, ids: Sequence[str]) -> RecipeError:
    if ids:
        return RecipeError(f"Several runs begin with {run!r}: {', '.join(ids[:5])}{' …' if len(ids) > 5 else ''}.", hint="Give more of the id.")
    known = list(connection.execute(sa.select(runs.c.id).order_by(runs.c.id.desc()).limit(50)).scalars())
    return RecipeError(f"There is no run {run!r}.", hint=nearest(run, known) or ("`mlforge runs` lists them." if known else "Nothing ran in this store yet."))
