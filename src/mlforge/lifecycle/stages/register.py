"""Give the bundle that ships a version in the registry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from mlforge.artifact import Artifact, Bundles, Verdict
from mlforge.components import Job
from mlforge.lifecycle.effect import Done, Effect
from mlforge.lifecycle.registering.registration import Candidate
from mlforge.store import Store

__all__ = ["Register"]


class Register(Effect):
    """A new version of the model, when the gates have passed."""

    needs: ClassVar[tuple[str, ...]] = ("gates",)
    reads: ClassVar[tuple[str, ...]] = ("champion",)
    inputs: ClassVar[Mapping[str, type[Artifact]]] = {"bundles": Bundles, "verdict": Verdict}

    def perform(self, job: Job, store: Store, run: str) -> Done:
        """Register the bundle; the same bundle again is the same version."""
        champion = job.champion
        against = champion.bundle.digest if champion else None
        return Candidate(job.name, run, job.input("bundles", Bundles), job.input("verdict", Verdict), against).register(store)
