"""What a stage gets to work with, and nothing beyond what it has declared."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from mlforge.artifact import Artifact
from mlforge.components import Champion, Component
from mlforge.compress import Compress
from mlforge.contract import Contract
from mlforge.finding import Finding
from mlforge.lifecycle.graph import Node
from mlforge.recipe import Recipe
from mlforge.task import Task

if TYPE_CHECKING:
    from mlforge.lifecycle.plan import Lifecycle

__all__ = ["StageJob"]

A = TypeVar("A", bound=Artifact)
C = TypeVar("C", bound=Component)


@dataclass
class StageJob:
    """The `mlforge.components.Job` of one stage in one run."""

    node: Node
    recipe: Recipe
    inputs: Mapping[str, Artifact]
    folder: Path  # the stage's own: `work` and `drafts` lie in it
    smoke: bool
    tell: Callable[[float, float, str], None]
    gathered: Callable[[], list[Finding]]
    champions: Callable[[], Champion | None]
    beside: Path | None = None
    findings: list[Finding] = field(default_factory=list)
    lifecycle: Lifecycle | None = None  # for a search, which composes others from it
    hear: Callable[[int, Mapping[str, float]], None] = lambda epoch, values: None  # what a fit reports of its epochs

    @property
    def name(self) -> str:
        """The recipe's name, which is the model's."""
        return self.recipe.name

    @property
    def seed(self) -> int:
        """The recipe's seed."""
        self._declared("seed")
        return self.recipe.seed

    @property
    def task(self) -> Task:
        """The recipe's task."""
        self._declared("task")
        return self.recipe.task

    @property
    def contract(self) -> Contract:
        """The recipe's contract; as it holds after protection, but for the stage that protects."""
        self._declared("contract")
        contract = self.recipe.contract if "privacy" in self.node.stage.reads else self.recipe.kept
        assert contract is not None, "a stage that reads the contract needs the section"
        return contract

    @property
    def compress(self) -> Compress | None:
        """The recipe's compression contract."""
        self._declared("compress")
        return self.recipe.compress

    @property
    def work(self) -> Path:
        """A folder of the stage's own that survives a kill."""
        folder = self.folder / "work"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    @property
    def champion(self) -> Champion | None:
        """The version to compare with."""
        self._declared("champion")
        return self.champions()

    def version(self, reference: str) -> Champion:
        """A registered model."""
        assert self.lifecycle is not None, "a stage that runs has a lifecycle"
        return self.lifecycle.version(reference)

    def component(self, section: str, kind: type[C]) -> C:
        """The component of a section in the singular."""
        self._declared(section)
        component = self.recipe.sections[section]
        assert isinstance(component, kind), f"{section} is not a {kind.__name__}"
        return component

    def entries(self, section: str, kind: type[C]) -> Mapping[str, C]:
        """The components of a section in the plural, by entry."""
        if section not in self.node.stage.asides:
            self._declared(section)
        entries = self.recipe.sections.get(section, {})
        assert isinstance(entries, Mapping), f"{section} is no plural section"
        assert all(isinstance(component, kind) for component in entries.values())
        return entries  # type: ignore[return-value]  # asserted above

    def aside(self, section: str, kind: type[C]) -> C | None:
        """The component of a section that does not decide what comes of the stage."""
        assert section in self.node.stage.asides, f"stage {self.node.name} reads {section!r} without naming it among its asides"
        component = self.recipe.sections.get(section)
        assert component is None or isinstance(component, kind), f"{section} is not a {kind.__name__}"
        return component

    def input(self, port: str, kind: type[A]) -> A:
        """The artifact at an input port."""
        artifact = self.inputs[port]
        assert isinstance(artifact, kind), f"port {port} is not a {kind.__name__}"
        return artifact

    def draft(self, port: str) -> Path:
        """The folder to be filled for an output port."""
        assert port in self.node.stage.outputs, f"stage {self.node.name} has no output port {port!r}"
        folder = self.folder / "drafts" / port
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def find(self, finding: Finding) -> None:
        """Record a finding."""
        self.findings.append(finding)

    def evidence(self) -> list[Finding]:
        """Every finding of the earlier stages."""
        assert self.node.stage.gathers, f"stage {self.node.name} does not say that it gathers"
        return self.gathered()

    def report(self, epoch: int, values: Mapping[str, float]) -> None:
        """Tell what an epoch of a fit came to."""
        self.hear(epoch, values)

    def progress(self, done: float, total: float, note: str = "") -> None:
        """Tell how far the work is."""
        self.tell(done, total, note)

    def begin(self) -> None:
        """Start a try: drafts of a try that was killed are nobody's."""
        self.findings.clear()
        shutil.rmtree(self.folder / "drafts", ignore_errors=True)

    def _declared(self, what: str) -> None:
        stage = self.node.stage
        assert what in stage.needs or what in stage.reads, f"stage {self.node.name} reads {what!r} without declaring it, so its key could not be trusted"
