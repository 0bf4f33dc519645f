"""What a stage must do.

    class TestSummarise(StageContract):
        component = Summarise()

        def before(self, folder):
            return StageJob(folder, contract=CONTRACT, inputs={"table": table_of(folder)})

`before` gives a job whose sections and inputs are there; see `mlforge.testing.job`. It is as strict as the engine: to read what the stage does not declare
is an error.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar

from mlforge.artifact import Artifact
from mlforge.components import Component, Stage
from mlforge.finding import Finding
from mlforge.sections import SECTIONS
from mlforge.testing.component import ComponentContract
from mlforge.testing.files import files_of
from mlforge.testing.job import StageJob

__all__ = ["StageContract"]

_FURTHER = ("contract", "seed", "task", "champion", "name", "budget", "rollout", "retrain", "serve", "compress", "cluster", "sweep", "monitors", "alerts")


class StageContract(ComponentContract[Stage]):
    """Clauses for a stage of the lifecycle."""

    kind: ClassVar[type[Component]] = Stage

    def before(self, folder: Path) -> StageJob:
        """A job in which the stage can be run: `folder` is empty."""
        raise NotImplementedError(f"{type(self).__name__}: override `before`")

    def exercise(self, component: Stage, folder: Path) -> None:
        """Run it."""
        self.before(folder).run(component)

    def disturb(self, component: Stage, folder: Path) -> None:
        """Have it fail as it begins to report."""
        _Deaf.taking(self.before(folder)).run(component)

    def test_its_ports_are_artifacts(self, subject: Stage) -> None:
        """Else the graph of stages cannot be made."""
        for port, kind in {**subject.inputs, **subject.outputs}.items():
            assert re.fullmatch(r"[a-z][a-z0-9_]*", port), f"the port {port!r} is no identifier"
            assert isinstance(kind, type), f"the port {port} is a {type(kind).__name__}, and no class"
            assert issubclass(kind, Artifact), f"the port {port} is of {kind.__name__}, which is no Artifact"

    def test_it_reads_sections_that_there_are(self, subject: Stage) -> None:
        """Else it belongs to no recipe, or its key leaves something out."""
        known = {*SECTIONS, *_FURTHER}
        strange = [name for name in (*subject.needs, *subject.reads) if name not in known]
        assert not strange, f"no recipe has {', '.join(strange)}"

    def test_it_fills_every_output(self, subject: Stage, tmp_path: Path) -> None:
        """Else what is published is empty, and the next stage fails."""
        job = self.before(tmp_path).run(subject)
        for port, kind in subject.outputs.items():
            assert any(job.output(port, kind).folder.rglob("*")), f"the output {port} is empty"

    def test_the_same_inputs_give_the_same_bytes(self, subject: Stage, tmp_path: Path) -> None:
        """Else nothing after it is ever reused: digests differ from run to run."""
        if subject.effect:  # done once, and no one's input
            return
        one, other = (self.before(tmp_path / name).run(subject) for name in ("one", "other"))
        for port, kind in subject.outputs.items():
            first, second = (files_of(job.output(port, kind).folder) for job in (one, other))
            differing = sorted(name for name in {*first, *second} if first.get(name) != second.get(name))
            assert not differing, f"the output {port}: {', '.join(differing[:5])} differ"

    def test_its_findings_are_declared(self, subject: Stage, tmp_path: Path) -> None:
        """Else `mlforge check` calls a gate's rule over one a mistake."""
        if not subject.declares:  # what its probes find is declared by them
            return
        found = {finding.name for finding in self._found(subject, tmp_path) if not finding.volatile}
        stray = sorted(name for name in found if not any(_fits(name, pattern) for pattern in subject.declares))
        assert not stray, f"found and not declared: {', '.join(stray[:5])}"

    def test_its_headline_is_one_line(self, subject: Stage, tmp_path: Path) -> None:
        """Else the terminal's list of stages falls apart."""
        line = subject.headline(self._found(subject, tmp_path))
        assert "\n" not in line, repr(line)

    def test_what_else_decides_is_told_alike_each_time(self, subject: Stage, tmp_path: Path) -> None:
        """Else the stage runs each time, or never again."""
        if type(subject).external is Stage.external:
            return
        job = self.before(tmp_path)
        job.run(subject)
        assert subject.external(job) == subject.external(job)

    def _found(self, component: Stage, folder: Path) -> list[Finding]:
        job = self.before(folder)
        before = len(job.findings)
        job.run(component)
        return job.findings[before:]


class _Deaf(StageJob):
    """A job that fails when it is told something."""

    @classmethod
    def taking(cls, job: StageJob) -> StageJob:
        """The job, from now on deaf."""
        job.__class__ = cls
        return job

    def find(self, finding: Finding) -> None:
        """Take down nothing."""
        raise KeyError("the caller gives up")

    def progress(self, done: float, total: float, note: str = "") -> None:
        """Take down nothing."""
        raise KeyError("the caller gives up")


def _fits(name: str, pattern: str) -> bool:
    parts, asked = name.split("/"), pattern.split("/")
    return len(parts) == len(asked) and all(one in (part, "*") for part, one in zip(parts, asked, strict=True))
