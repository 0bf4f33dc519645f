"""The one place that knows where anything lies."""

from __future__ import annotations

import re
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Self

from mlforge.errors import RunFailed
from mlforge.signing import Trust
from mlforge.store.artifacts import Artifacts, open_artifacts
from mlforge.store.disk import explained
from mlforge.store.lock import hold

if TYPE_CHECKING:
    from mlforge.store.alerts import Alerts
    from mlforge.store.approvals import Approvals
    from mlforge.store.audit import Audit
    from mlforge.store.database import Database
    from mlforge.store.entries import Version
    from mlforge.store.records import Records
    from mlforge.store.registry import Registry
    from mlforge.store.signatures import Signatures
    from mlforge.store.triggers import Triggers
    from mlforge.store.vouched import Vouched
    from mlforge.store.windows import Windows

__all__ = ["Store"]


class Store:
    """Artifacts, records, the registry and the audit log of one project."""

    def __init__(self, state: Path, artifacts: Artifacts, database: Database, trust: Trust | None = None) -> None:
        from mlforge.store.alerts import Alerts
        from mlforge.store.approvals import Approvals
        from mlforge.store.audit import Audit
        from mlforge.store.records import Records
        from mlforge.store.registry import Registry
        from mlforge.store.signatures import Signatures
        from mlforge.store.triggers import Triggers
        from mlforge.store.vouched import Vouched
        from mlforge.store.windows import Windows

        self.state = state
        self.artifacts = artifacts
        self.records: Records = Records(database)
        self.audit: Audit = Audit(database)
        self.registry: Registry = Registry(database, self.audit)
        self.approvals: Approvals = Approvals(database, self.audit)
        self.windows: Windows = Windows(database)
        self.alerts: Alerts = Alerts(database, self.audit)
        self.triggers: Triggers = Triggers(database, self.audit)
        self.signatures: Signatures = Signatures(database, self.audit)
        self.vouched: Vouched = Vouched(artifacts, self.signatures, trust or Trust())
        self._database = database

    @classmethod
    def at(cls, place: str | None, state: Path, artifacts: str | None = None, trust: Trust | None = None) -> Store:
        """Open the store at a folder, or at a database's URL, beside which `state` holds what is no record; None is `state`.

        The artifacts lie in that folder too, unless `artifacts` names another, or a URL.
        """
        if place is None:
            return cls.open(None, state, artifacts, trust)
        return cls.open(place, state, artifacts, trust) if "://" in place else cls.open(None, Path(place).expanduser(), artifacts, trust)

    @classmethod
    def open(cls, url: str | None, state: Path, artifacts: str | None = None, trust: Trust | None = None) -> Store:
        """Open a store, making what is missing.

        `url` says where the records lie (default: `records.db` under `state`), `artifacts` where the artifacts do (default: a folder under `state`),
        `trust` whose signatures count.
        `RunFailed` when something cannot be written; `MissingRequirement` when a database or its driver is missing or newer than this mlforge.
        """
        state = state.absolute()
        try:
            (state / "locks").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise explained(error, Path(error.filename or state)) from error
        kept = open_artifacts(artifacts, state)
        kept.sweep()
        from mlforge.store.database import Database  # SQLAlchemy, from here on
        from mlforge.store.schema import ensure

        database = Database.at(url or f"sqlite:///{state / 'records.db'}")
        try:
            ensure(database)
        except BaseException:
            database.close()
            raise
        return cls(state, kept, database, trust)

    def lock(self, name: str) -> AbstractContextManager[None]:
        """One holder at a time, such as a run of a recipe; `RunFailed` names the other one. The lock goes with its process, also when that is killed."""
        if not re.fullmatch(r"[\w.-]+", name) or name.startswith("."):
            raise RunFailed(f"{name!r} cannot name a lock.", hint="Use letters, digits, dots and dashes.")
        return hold(self.state / "locks" / f"{name}.lock", f"{name} in {self.state}")

    def where(self, version: Version) -> Path | None:
        """Where a version's bundle lies, to be told; None where it is not on this machine. Who opens one asks `vouched`, which verifies it."""
        from mlforge.artifact import Bundles

        return Bundles(self.artifacts.path(version.bundle)).bundle() if self.artifacts.has(version.bundle) else None

    def spending_file(self, recipe: str) -> Path:
        """The file in which a run that is not done notes what it has spent."""
        return self.state / "spent" / f"{recipe}.json"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def files(self) -> tuple[Path, ...]:
        """The files that hold the records; none when a server does."""
        url = self._database.engine.url
        if url.get_backend_name() != "sqlite" or not url.database:
            return ()
        return (Path(url.database), Path(f"{url.database}-wal"))

    def close(self) -> None:
        """Close the connections to the database; whoever asks the store again opens others."""
        self._database.close()
