"""What a trail is read from: the store's records and its audit log, asked in a trail's words."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path

from mlforge.artifact import Verdict
from mlforge.components import Ruling
from mlforge.errors import RecipeError
from mlforge.finding import Finding
from mlforge.lifecycle.registering.standing import Standing
from mlforge.store import RunRecord, Store
from mlforge.store.entries import AuditEntry, Version

__all__ = ["Archive"]

_RUNS = 500  # newest runs that are looked through


class Archive:
    """The records of one store. What was asked once is not asked again."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._entries: dict[str, list[AuditEntry]] = {}
        self._findings: dict[str, dict[str, Finding]] = {}

    @cached_property
    def models(self) -> list[str]:
        """Names of all models."""
        return self.store.registry.models()

    def entries(self, model: str) -> list[AuditEntry]:
        """All that the audit log says of a model, the oldest first."""
        if model not in self._entries:
            self._entries[model] = self.store.audit.about(model)
        return self._entries[model]

    def version(self, model: str, number: int) -> Version | None:
        """A version of a model."""
        return next((one for one in self.store.registry.versions(model) if one.version == number), None)

    def version_of(self, run: RunRecord) -> Version | None:
        """The version that a run's bundle is, whichever run registered it."""
        made = self.made(run)
        return next((one for one in self.store.registry.versions(run.recipe) if one.bundle == made.get("bundles")), None)

    def run(self, run: str) -> RunRecord | None:
        """A run by its whole id; None when it is not recorded in this store."""
        try:
            return self.store.records.run(run)
        except RecipeError:
            return None

    def before(self, run: RunRecord) -> RunRecord | None:
        """The newest earlier run of the same recipe, of the same kind, in which any stage was done."""
        earlier = (one for one in self.store.records.runs(run.recipe, _RUNS) if one.id < run.id and one.smoke == run.smoke)
        return next((one for one in earlier if any(use.state in ("done", "reused") for use in one.stages)), None)

    @staticmethod
    def made(run: RunRecord) -> dict[str, str]:
        """What a run came to: port → digest."""
        return {port: digest for use in run.stages for port, digest in use.outputs.items()}

    def findings(self, run: RunRecord) -> dict[str, Finding]:
        """What was found of data and candidate, by name."""
        if run.id not in self._findings:
            found = [finding for use in run.stages for finding in self.store.records.findings(use.key)]
            self._findings[run.id] = {one.name: one for one in reversed(found) if one.subject in ("data", "candidate")}
        return self._findings[run.id]

    def stage_of(self, run: RunRecord, finding: str) -> str:
        """The stage that made a finding."""
        return next((use.name for use in run.stages if any(one.name == finding for one in self.store.records.findings(use.key))), "")

    def verdict(self, run: RunRecord) -> Verdict | None:
        """What the gates said in a run; None when it did not come so far, or the verdict is gone."""
        digest = self.made(run).get("verdict")
        if digest is None or not self.store.artifacts.has(digest):
            return None
        self.store.artifacts.verify(digest)
        return Verdict(self.store.artifacts.path(digest), digest)

    def rulings(self, run: RunRecord) -> tuple[Ruling, ...]:
        """What each rule said, with the figures of this run and with what people said of those that waited for them."""
        verdict = self.verdict(run)
        if verdict is None:
            return ()
        whole = {name.removeprefix("gate/"): one.evidence["ruling"] for name, one in self.findings(run).items() if one.volatile and "ruling" in one.evidence}
        rulings = tuple(Ruling.model_validate(whole.get(raw["rule"], raw)) for raw in verdict.json("verdict.json")["rulings"])
        bundle = self.made(run).get("bundles")
        return rulings if bundle is None else Standing.of(self.store, run.recipe, bundle, verdict).signed(rulings)

    def report(self, run: str) -> tuple[str, ...]:
        """The page of a run, where it was written here."""
        page = self.store.state / "runs" / run / "report.html"
        return (_near(page),) if page.exists() else ()


def _near(path: Path) -> str:
    near = os.path.relpath(path)
    return str(path) if near.startswith("..") else near
