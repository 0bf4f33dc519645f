"""Search: which overrides make the best model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from mlforge.artifact import Artifact, Tuned
from mlforge.components import Job, Stage, Sweep
from mlforge.finding import Finding

__all__ = ["Tune"]


class Tune(Stage):
    """Runs trials, each the recipe with other overrides, through the stages up to those that measure them; the best overrides join the recipe.

    It stands before the first stage that reads what the sweep varies: what comes before is shared by all trials, and its trials are that stage and those
    after it.
    """

    needs: ClassVar[tuple[str, ...]] = ("sweep", "model", "trainer")
    reads: ClassVar[tuple[str, ...]] = ("seed", "task")
    outputs: ClassVar[Mapping[str, type[Artifact]]] = {"tuned": Tuned}
    declares: ClassVar[tuple[str, ...]] = ("tune/trials", "tune/failed", "tune/stopped", "tune/best/*", "tune/seconds", "tune/cost")

    def external(self, job: Job) -> Mapping[str, str]:
        """The earlier sweep from which the search learns."""
        from mlforge.lifecycle.job import StageJob

        run = job.component("sweep", Sweep).warm_start
        if run is None or not isinstance(job, StageJob) or job.lifecycle is None:
            return {}
        from mlforge.lifecycle.sweep.earlier import found_by

        return {"earlier sweep": found_by(job.lifecycle, run).digest}

    def headline(self, findings: Sequence[Finding]) -> str:
        """The best trial."""
        return " · ".join(finding.text for finding in findings if finding.name in ("tune/trials", "tune/best/overrides"))

    def run(self, job: Job) -> None:
        """Fill the draft of `tuned`."""
        from mlforge.lifecycle.job import StageJob
        from mlforge.lifecycle.sweep.search import Search

        assert isinstance(job, StageJob), "a search composes other recipes, which a plain job cannot"
        Search.of(job).run()
