"""Models, their versions and their aliases."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa

from mlforge.errors import RecipeError, nearest
from mlforge.signing.envelope import Envelope
from mlforge.store.audit import Audit, who
from mlforge.store.database import Database
from mlforge.store.entries import Move, Version
from mlforge.store.history import moves, standing
from mlforge.store.signatures import add_signature
from mlforge.store.tables import aliases, versions
from mlforge.store.text import now, to_text

__all__ = ["Registry"]

_REFERENCE = re.compile(r"(?P<model>[^@\s]+)(?:(?:@|\s+)(?P<which>\S+))?")


class Registry:
    """Which versions a model has, and which of them is `champion` and `challenger`."""

    def __init__(self, database: Database, audit: Audit) -> None:
        self._database = database
        self._audit = audit

    def register(
        self,
        model: str,
        *,
        bundle: str,
        verdict: str,
        run: str,
        judged_against: str | None = None,
        actor: str | None = None,
        signature: Mapping[str, Any] | None = None,
        card: str | None = None,
        sign: Callable[[Version], Envelope] | None = None,
    ) -> tuple[Version, bool]:
        """Make the next version of a model, or give the one that this bundle already is, with False.

        The first version becomes `champion`, every later one `challenger`. What `sign` makes is kept with it in one transaction.
        """
        with self._database.write() as connection:
            existing = _versions(connection, model, versions.c.bundle == bundle)
            if existing:
                return existing[0], False
            newest = connection.execute(sa.select(sa.func.max(versions.c.version)).where(versions.c.model == model)).scalar()
            number, alias = (newest + 1, "challenger") if newest else (1, "champion")
            row = {"model": model, "version": number, "bundle": bundle, "verdict": verdict, "run": run, "judged_against": judged_against}
            row |= {"card": card}
            connection.execute(sa.insert(versions).values(**row, signature=to_text(signature or {}), actor=actor or who(), created=now()))
            _point(connection, model, alias, number)
            self._audit.append(connection, "registered", f"{model} {number}", {**row, "alias": alias}, actor)
            made = _versions(connection, model, versions.c.version == number)[0]
            if sign is not None:
                envelope = sign(made)
                add_signature(connection, self._audit, made, envelope.key, envelope.text(), actor)
            return made, True

    def set_alias(self, model: str, alias: str, version: int, actor: str | None = None, reason: str = "") -> Version:
        """Point an alias at a version; `RecipeError` when there is no such version."""
        if not re.fullmatch(r"[A-Za-z_][\w.-]*", alias):
            raise RecipeError(f"{alias!r} cannot be an alias.", hint="An alias begins with a letter and has letters, digits, dots and dashes.")
        with self._database.write() as connection:
            found = _pick(model, str(version), _known(connection, model))
            before = connection.execute(sa.select(aliases.c.version).where(aliases.c.model == model, aliases.c.alias == alias)).scalar()
            if before != version:
                _point(connection, model, alias, version)
                details = {"alias": alias, "version": version, "before": before, "reason": reason}
                self._audit.append(connection, "alias", f"{model} {found.version}", details, actor)
            return _pick(model, str(version), _versions(connection, model))

    def roll_back(
        self, model: str, to: int | None = None, *, alias: str = "champion", reason: str = "", actor: str | None = None, only: int | None = None
    ) -> tuple[Version, Version] | None:
        """Point an alias back at the version before, or at an earlier one; gives the version that it points at now, and the one that was rolled back.

        `only`: when the alias still points at this version, else nothing is done and None is given, so that nobody's newer decision is undone.
        RecipeError when it never pointed anywhere else, or not at `to`.
        """
        with self._database.write() as connection:
            known = _known(connection, model)
            now = _pick(model, alias, known)
            if only is not None and now.version != only:
                return None
            earlier = [version for version in standing(moves(connection, model, alias)) if version != now.version]
            back = _pick(model, str(_earlier(now, to, alias, earlier)), known)
            _point(connection, model, alias, back.version)
            details = {"alias": alias, "version": back.version, "before": now.version, "reason": reason}
            self._audit.append(connection, "rolled_back", f"{model} {back.version}", details, actor)
            after = _versions(connection, model)
            return _pick(model, str(back.version), after), _pick(model, str(now.version), after)

    def history(self, model: str, alias: str = "champion") -> list[Move]:
        """Every move of an alias, the oldest first; none when model or alias is unknown."""
        with self._database.read() as connection:
            return moves(connection, model, alias)

    def standing(self, model: str, alias: str = "champion") -> list[int]:
        """The versions that would serve one after the other if each were rolled back, the one that serves last."""
        return standing(self.history(model, alias))

    def previous(self, model: str, alias: str = "champion") -> Version | None:
        """The version that a rollback of the alias would lead to, if there is one."""
        stack = self.standing(model, alias)
        return next((version for version in self.versions(model) if len(stack) > 1 and version.version == stack[-2]), None)

    def settle(self, model: str, alias: str, version: int, *, reason: str = "", actor: str | None = None) -> None:
        """Note that the rollout of a version is over and that it stays, if the alias still points at it."""
        with self._database.write() as connection:
            if _pick(model, alias, _known(connection, model)).version == version:
                self._audit.append(connection, "rolled_out", f"{model} {version}", {"alias": alias, "version": version, "reason": reason}, actor)

    def unsettled(self, model: str, alias: str) -> int | None:
        """The version that an alias was promoted to and whose rollout nobody has called over; None when there is no such."""
        with self._database.read() as connection:
            found = moves(connection, model, alias, ("rolled_out",))
        return found[-1].version if found and found[-1].event == "alias" else None

    def models(self) -> list[str]:
        """Names of all models, sorted."""
        with self._database.read() as connection:
            return list(connection.execute(sa.select(versions.c.model).distinct().order_by(versions.c.model)).scalars())

    def versions(self, model: str) -> list[Version]:
        """All versions of a model, the oldest first; none when it is unknown."""
        with self._database.read() as connection:
            return _versions(connection, model)

    def champion(self, model: str) -> Version | None:
        """The version that serves, if there is one."""
        return next((version for version in self.versions(model) if "champion" in version.aliases), None)

    def resolve(self, reference: str) -> Version:
        """The version meant by `adult`, `adult@champion`, `adult@3` or `adult 3`; a plain name means the champion, else the newest."""
        match = _REFERENCE.fullmatch(reference.strip())
        if not match:
            raise RecipeError(f"{reference!r} names no model.", hint="A model is named like adult, adult@champion or adult@3.")
        model, which = match["model"], match["which"]
        with self._database.read() as connection:
            known = _known(connection, model)
        if which is None:
            return next((version for version in known if "champion" in version.aliases), known[-1])
        return _pick(model, which, known)

    def signature(self, version: Version) -> str:
        """What the version takes and gives, as JSON."""
        with self._database.read() as connection:
            chosen = sa.and_(versions.c.model == version.model, versions.c.version == version.version)
            return str(connection.execute(sa.select(versions.c.signature).where(chosen)).scalar_one())


def _versions(connection: sa.Connection, model: str, *conditions: sa.ColumnElement[bool]) -> list[Version]:
    names: dict[int, list[str]] = {}
    for row in connection.execute(sa.select(aliases).where(aliases.c.model == model).order_by(aliases.c.alias)):
        names.setdefault(row.version, []).append(row.alias)
    columns = [versions.c[name] for name in ("model", "version", "bundle", "verdict", "run", "judged_against", "created", "card")]
    rows = connection.execute(sa.select(*columns).where(versions.c.model == model, *conditions).order_by(versions.c.version)).mappings()
    return [Version(**row, aliases=tuple(names.get(row["version"], ()))) for row in rows]


def _known(connection: sa.Connection, model: str) -> list[Version]:
    found = _versions(connection, model)
    if found:
        return found
    known = list(connection.execute(sa.select(versions.c.model).distinct()).scalars())
    hint = nearest(model, known) or (
        f"There are {', '.join(sorted(known)[:10])}." if known else "None is registered in this store yet; `mlforge run` makes one."
    )
    raise RecipeError(f"There is no model {model!r}.", hint=hint)


def _pick(model: str, which: str, known: list[Version]) -> Version:
    for version in known:
        if which in version.aliases or (which.isdigit() and version.version == int(which)):
            return version
    if which.isdigit():
        raise RecipeError(f"Model {model} has no version {which}.", hint=f"It has versions 1 to {known[-1].version}.")
    names = sorted({alias for version in known for alias in version.aliases})
    raise RecipeError(f"Model {model} has no alias {which!r}.", hint=nearest(which, names) or f"It has {', '.join(names)}.")


def _earlier(now: Version, to: int | None, alias: str, earlier: list[int]) -> int:
    """The version to go back to."""
    if to == now.version:
        raise RecipeError(f"{now} is {alias} already.")
    if to is not None and to not in earlier:
        was = f"{', '.join(map(str, earlier))} can be gone back to" if earlier else "it has been no other version so far"
        raise RecipeError(f"{now.model} {to} is no earlier {alias}: {was}.", hint=f"To make it {alias} all the same: mlforge promote {now.model} {to}")
    if not earlier:
        raise RecipeError(f"There is nothing to roll back to: {now} is the first {alias} of {now.model}.", hint=f"mlforge promote {now.model} VERSION")
    return to if to is not None else earlier[-1]


def _point(connection: sa.Connection, model: str, alias: str, version: int) -> None:
    connection.execute(sa.delete(aliases).where(aliases.c.model == model, aliases.c.alias == alias))
    connection.execute(sa.insert(aliases).values(model=model, alias=alias, version=version))
