"""Give the bundle that ships a version in the registry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from mlforge.artifact import Artifact, Bundles, Verdict
from mlforge.components import Job
from mlforge.errors import GateRefused
from mlforge.lifecycle.effect import Done, Effect
from mlforge.store import Store

__all__ = ["Register"]


class Register(Effect):
    """A new version of the model, when the gates have passed."""

    needs: ClassVar[tuple[str, ...]] = ("gates",)
    reads: ClassVar[tuple[str, ...]] = ("champion",)
    inputs: ClassVar[Mapping[str, type[Artifact]]] = {"bundles": Bundles, "verdict": Verdict}

    def perform(self, job: Job, store: Store, run: str) -> Done:
        """Register the bundle; the same bundle again is the same version."""
        verdict = job.input("verdict", Verdict)
        if not verdict.passed:
            raise GateRefused("the gates said no, so nothing is registered")
        bundles = job.input("bundles", Bundles)
        champion = job.champion
        version, new = store.registry.register(
            job.name,
            bundle=bundles.digest,
            verdict=verdict.digest,
            run=run,
            judged_against=champion.bundle.digest if champion else None,
            actor=None,
        )
        aliases = ", ".join(version.aliases)
        text = f"{version.model} {version.version}" + (f", {aliases}" if aliases else "") + ("" if new else " (registered before)")
        details = {"model": version.model, "version": version.version, "aliases": list(version.aliases), "run": version.run}
        details |= {"bundle": str(bundles.bundle()), "digest": version.bundle}
        return Done(str(version), "registered", text, new, details)
