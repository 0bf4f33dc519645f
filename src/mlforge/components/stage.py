"""The kind that is a step of the lifecycle, and all that it may touch."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol, TypeVar

from pydantic import Field

from mlforge.artifact import Artifact
from mlforge.components.component import Component
from mlforge.compress import Compress
from mlforge.contract import Contract
from mlforge.finding import Finding
from mlforge.task import Task
from mlforge.units import Duration

__all__ = ["Champion", "Job", "Stage"]


A = TypeVar("A", bound=Artifact)
C = TypeVar("C", bound=Component)


@dataclass(frozen=True)
class Champion:
    """A model version: the one that serves, as a candidate is compared with it, or another."""

    model: str
    version: int
    bundle: Artifact


class Job(Protocol):
    """All that a stage may touch while it runs. Reading a section that the stage does not declare is an error: keys could not be trusted otherwise."""

    @property
    def name(self) -> str:
        """The recipe's name, which is the model's."""

    @property
    def seed(self) -> int:
        """The recipe's seed."""

    @property
    def task(self) -> Task:
        """The recipe's task."""

    @property
    def contract(self) -> Contract:
        """The recipe's contract."""

    @property
    def compress(self) -> Compress | None:
        """The recipe's compression contract, where it has one; declare "compress" among `reads`."""

    @property
    def smoke(self) -> bool:
        """A trial of the whole chain with a few rows and one batch."""

    @property
    def work(self) -> Path:
        """A folder of the stage's own that survives a kill; empty at the first try."""

    @property
    def beside(self) -> Path | None:
        """A folder of the run, to be made by who needs it, for files that are no part of the result: logs, profiles. None where there is no run."""

    @property
    def champion(self) -> Champion | None:
        """The version to compare with; declare "champion" among `reads`."""

    def version(self, reference: str) -> Champion:
        """A registered model, such as "adult@champion". What it is decides what comes of the stage: its `external` must name the bundle's digest."""

    def component(self, section: str, kind: type[C]) -> C:
        """The component of a section in the singular."""

    def entries(self, section: str, kind: type[C]) -> Mapping[str, C]:
        """The components of a section in the plural, by entry; empty when the recipe has none."""

    def aside(self, section: str, kind: type[C]) -> C | None:
        """The component of a section that the stage names among its `asides`; None when the recipe has none."""

    def input(self, port: str, kind: type[A]) -> A:
        """The artifact at an input port."""

    def draft(self, port: str) -> Path:
        """The folder to be filled for an output port. It becomes visible when the stage has returned, whole or not at all."""

    def find(self, finding: Finding) -> None:
        """Record a finding."""

    def evidence(self) -> list[Finding]:
        """Every finding of the earlier stages, volatile ones included; for a stage that `gathers`."""

    def report(self, epoch: int, values: Mapping[str, float]) -> None:
        """Tell what an epoch (from 1) of a fit came to, unless it was the last. A search may raise here to end the fit: let that pass."""

    def progress(self, done: float, total: float, note: str = "") -> None:
        """Tell how far the work is; cheap, call it often."""


class Stage(Component):
    """One step of the lifecycle: a pure function from its inputs, sections and seed to its outputs.

    The engine derives the graph from the ports, keys each stage by what it reads, and reuses what is there. A stage belongs to a run when the recipe has all
    the sections that it `needs`.
    """

    needs: ClassVar[tuple[str, ...]] = ()
    """Sections without which the recipe has no such stage."""
    reads: ClassVar[tuple[str, ...]] = ()
    """Further sections (or "seed", "task", "champion", "compress") that it reads where they are given."""
    asides: ClassVar[tuple[str, ...]] = ()
    """Sections that it looks at where they are given and that do not decide what comes of it, such as where it runs: no part of its key."""
    inputs: ClassVar[Mapping[str, type[Artifact]]] = {}
    outputs: ClassVar[Mapping[str, type[Artifact]]] = {}
    gathers: ClassVar[bool] = False
    """Takes the findings of every earlier stage as well."""
    effect: ClassVar[bool] = False
    """Changes the world instead of making artifacts: done once, never re-done by a re-run, and not run by `--smoke`."""

    declares: ClassVar[tuple[str, ...]] = ()
    """Names of the findings that it makes, for gates; `*` stands for one part that only the data decides."""

    retries: int = Field(default=0, ge=0, le=10, description="how often to try again after a failure that is not the recipe's or the data's")
    timeout: Duration | None = Field(default=None, description="longest time that the stage may take")

    def external(self, job: Job) -> Mapping[str, str]:
        """What else decides the outputs, such as the source's fingerprint: by name, for the key and for `plan`'s reasons."""
        return {}

    def witnessed(self, job: Job) -> Mapping[str, str]:
        """`external` as it was while the stage ran, asked when it has run: what differs from before fails it. Asked for again, unless a stage knows better."""
        return self.external(job)

    def headline(self, findings: Sequence[Finding]) -> str:
        """One line for the terminal on what came of it; the texts of its findings, when a stage does not know better."""
        return " · ".join(finding.text for finding in findings[:3] if finding.text)

    @abstractmethod
    def run(self, job: Job) -> None:
        """Do the work: fill `job.draft(port)` of every output port."""
