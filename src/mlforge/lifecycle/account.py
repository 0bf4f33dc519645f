"""The account of a run when it is over: what each stage did and made, for people, programs and the report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlforge.artifact import write_json
from mlforge.lifecycle.engine import Outcome
from mlforge.lifecycle.plan import Lifecycle

__all__ = ["Account", "StageAccount", "account", "write_account"]


@dataclass(frozen=True, slots=True)
class StageAccount:
    """What one stage did."""

    name: str
    state: str  # "run", "reuse", "done"
    outputs: Mapping[str, str]  # digest by port
    folders: Mapping[str, str]  # where each output lies


@dataclass(frozen=True, slots=True)
class Account:
    """What a run did."""

    recipe: str
    run: str
    passed: bool
    stages: tuple[StageAccount, ...]
    done: tuple[str, ...]  # what the effects came to: "adult 3, challenger"

    def as_json(self) -> dict[str, Any]:
        """For `--json` and `summary.json`."""
        stages = [{"name": s.name, "state": s.state, "outputs": dict(s.outputs), "folders": dict(s.folders)} for s in self.stages]
        return {"recipe": self.recipe, "run": self.run, "passed": self.passed, "stages": stages, "done": list(self.done)}


def account(outcome: Outcome, lifecycle: Lifecycle) -> Account:
    """The account of an outcome."""
    artifacts = lifecycle.store.artifacts
    stages = []
    for step in outcome.steps:
        outputs = outcome.outputs.get(step.name, {})
        folders = {port: str(artifacts.path(digest)) for port, digest in outputs.items()}
        stages.append(StageAccount(step.name, "done" if step.node.stage.effect else step.state, outputs, folders))
    return Account(lifecycle.recipe.name, outcome.run, not outcome.refused, tuple(stages), tuple(done.text for done in outcome.done))


def write_account(view: Account, folder: Path) -> Path:
    """Write the summary into the run's folder; the path of what a person should open."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "summary.json", view.as_json())
    return folder / "summary.json"
