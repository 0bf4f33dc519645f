"""A small real Job, so that a stage can be run alone on folders of a test.

    StageJob(tmp_path, contract=…, sections={"source": Csv(path=…)}).run(Ingest())

It is as strict as the engine: reading a section or a port that the stage does not declare fails.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

from mlforge.artifact import Artifact
from mlforge.components import Champion, Component, Stage
from mlforge.compress import Compress
from mlforge.contract import Contract
from mlforge.finding import Finding
from mlforge.task import TASKS, Task

__all__ = ["StageJob", "digest"]

A = TypeVar("A", bound=Artifact)
C = TypeVar("C", bound=Component)


def digest(folder: Path) -> str:
    """A digest of all files of a folder, names included: two folders with the same content have the same."""
    lines = [f"{path.relative_to(folder)} {sha256(path.read_bytes()).hexdigest()}" for path in sorted(folder.rglob("*")) if path.is_file()]
    return sha256("\n".join(lines).encode()).hexdigest()


class StageJob:
    """Runs one stage after the other in a folder; outputs become inputs of the stages that follow."""

    def __init__(
        self,
        folder: Path,
        *,
        contract: Contract,
        sections: Mapping[str, Component | Mapping[str, Component]] | None = None,
        inputs: Mapping[str, Artifact] | None = None,
        task: str | Task = "classification",
        seed: int = 1,
        smoke: bool = False,
        name: str = "trial",
        champion: Champion | None = None,
        earlier: list[Finding] | None = None,
        compress: Compress | None = None,
        versions: Mapping[str, Champion] | None = None,
    ) -> None:
        self.folder = folder
        self.contract = contract
        self.sections = dict(sections or {})
        self.artifacts: dict[str, Artifact] = dict(inputs or {})
        self.task = TASKS[task] if isinstance(task, str) else task
        self.seed, self.smoke, self.name = seed, smoke, name
        self.findings: list[Finding] = []
        self.steps: list[tuple[float, float, str]] = []
        self._earlier = list(earlier or [])
        self._champion, self._compress, self._versions = champion, compress, dict(versions or {})
        self._stage: Stage | None = None

    def run(self, stage: Stage) -> StageJob:
        """Run the stage; its outputs are then at `output(port, kind)`, its findings (and those of stages before it) in `findings`."""
        self._stage = stage
        stage.external(self)
        stage.run(self)
        for port, kind in stage.outputs.items():
            folder = self.draft(port)
            assert any(folder.iterdir()), f"the stage left its output {port} empty"
            self.artifacts[port] = kind(folder, digest(folder))
        return self

    def output(self, port: str, kind: type[A]) -> A:
        """What a stage has made."""
        artifact = self.artifacts[port]
        assert isinstance(artifact, kind)
        return artifact

    def finding(self, name: str, **wanted: str) -> Finding:
        """The one finding of that name (and subject, variant)."""
        found = [finding for finding in self.findings if finding.name == name and all(getattr(finding, key) == value for key, value in wanted.items())]
        assert len(found) == 1, f"{len(found)} findings {name} among {[finding.name for finding in self.findings]}"
        return found[0]

    # ── what a stage sees ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def work(self) -> Path:
        """A folder of the stage's own."""
        return self._folder("work")

    @property
    def champion(self) -> Champion | None:
        """The version to compare with."""
        self._declared("champion")
        return self._champion

    @property
    def compress(self) -> Compress | None:
        """The compression contract."""
        self._declared("compress")
        return self._compress

    def version(self, reference: str) -> Champion:
        """One of the registered models that it was given."""
        return self._versions[reference]

    def component(self, section: str, kind: type[C]) -> C:
        """The component of a section."""
        self._declared(section)
        component = self.sections[section]
        assert isinstance(component, kind)
        return component

    def entries(self, section: str, kind: type[C]) -> Mapping[str, C]:
        """The components of a section in the plural."""
        if self._stage is None or section not in self._stage.asides:
            self._declared(section)
        entries = self.sections.get(section, {})
        assert isinstance(entries, Mapping)
        assert all(isinstance(entry, kind) for entry in entries.values())
        return entries  # type: ignore[return-value]

    def aside(self, section: str, kind: type[C]) -> C | None:
        """The component of a section that is no part of the stage's key; None when there is none."""
        assert self._stage is not None
        assert section in self._stage.asides
        component = self.sections.get(section)
        assert component is None or isinstance(component, kind)
        return component

    def input(self, port: str, kind: type[A]) -> A:
        """The artifact at an input port."""
        assert self._stage is not None
        assert port in self._stage.inputs, f"{type(self._stage).__name__} does not declare the input {port}"
        return self.output(port, kind)

    def draft(self, port: str) -> Path:
        """The folder of an output port."""
        assert self._stage is not None
        assert port in self._stage.outputs, f"{type(self._stage).__name__} does not declare the output {port}"
        return self._folder(port)

    def find(self, finding: Finding) -> None:
        """Take down a finding."""
        self.findings.append(finding)

    def evidence(self) -> list[Finding]:
        """Findings of the stages before."""
        assert self._stage is not None
        assert self._stage.gathers, f"{type(self._stage).__name__} does not gather"
        return [*self._earlier, *self.findings]

    @property
    def beside(self) -> Path | None:
        """Where a run keeps what is no artifact; nowhere here."""
        return None

    def report(self, epoch: int, values: Mapping[str, float]) -> None:
        """Nobody searches here."""

    def progress(self, done: float, total: float, note: str = "") -> None:
        """Take down a step."""
        self.steps.append((done, total, note))

    def _folder(self, name: str) -> Path:
        assert self._stage is not None
        folder = self.folder / type(self._stage).__name__.lower() / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _declared(self, section: str) -> None:
        assert self._stage is not None
        declared = {*self._stage.needs, *self._stage.reads}
        assert section in declared, f"{type(self._stage).__name__} reads {section} and declares {sorted(declared)}"
