"""A trainer that fits nothing and says how well: what a sweep costs and does, without what a fit costs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mlforge.testing.project import Outcome, TestProject

_INIT = """
from mlforge.hookspecs import hookimpl


@hookimpl
def mlforge_components():
    return {"trainer/toy": "toys.trainer:Toy", "trainer/growing": "toys.growing:Growing"}
"""

_TRAINER = '''
import json
import os
import time
from typing import ClassVar

from mlforge.components import Trainer
from mlforge.errors import RunFailed
from pydantic import Field


def _die_when_measured():
    """The machine goes when the trial has written what it came to, and before it could tell."""
    from mlforge.lifecycle.sweep.journal import Measured

    write = Measured.write
    Measured.write = lambda self, folder: (write(self, folder), os._exit(7))


class Toy(Trainer):
    """The loss is a bowl over `x` and `y`, and falls with the epochs."""

    fits: ClassVar[frozenset[str]] = frozenset({"network"})
    tunable: ClassVar[dict] = {"x": {"uniform": [0.0, 1.0]}}

    x: float = Field(default=0.5, ge=0, le=1)
    y: int = Field(default=0, ge=0)
    kind: str = "bowl"
    max_epochs: int = Field(default=1, ge=1)
    pause: float = 0.0  # seconds an epoch
    fails_above: float = 2.0
    dies_above: float = 2.0
    dies_done_above: float = 2.0

    def fit(self, fitting):
        import polars as pl

        if self.x > self.dies_done_above:
            _die_when_measured()
        with open("fits.log", "a") as log:
            there = (fitting.work / "state").exists()
            log.write(json.dumps({"x": self.x, "y": self.y, "pid": os.getpid(), "continued": there}) + "\\n")
        if self.x > self.dies_above:
            os._exit(7)
        if self.x > self.fails_above:
            raise RunFailed(f"trainer: {self.x:.2f} is more than it can bear")
        rows = []
        for epoch in range(1, self.max_epochs + 1):
            time.sleep(self.pause)
            loss = (self.x - 0.3) ** 2 + (self.y - 2) ** 2 + 1 / epoch
            values = {"train/loss": loss, "validation/loss": loss, "validation/accuracy": self.x}
            rows += [(epoch, name, value) for name, value in values.items()]
            if epoch < self.max_epochs:
                fitting.report(epoch, values)
        (fitting.folder / "trained.json").write_text(json.dumps({"epochs": self.max_epochs, "best_epoch": self.max_epochs, "best_score": loss}))
        pl.DataFrame(rows, schema=["epoch", "name", "value"], orient="row").write_parquet(fitting.folder / "curves.parquet")
        (fitting.work / "state").touch()
        (fitting.folder / "weights.safetensors").write_text(f"{self.x} {self.y}")
'''

_GROWING = '''
import json
import time
from typing import ClassVar

from mlforge.components import Trainer
from mlforge.errors import RunFailed
from pydantic import Field


class Growing(Trainer):
    """A number that walks to 1, the quicker the nearer `lr` is to a best that moves with the epochs; it keeps where it is after each."""

    fits: ClassVar[frozenset[str]] = frozenset({"network"})
    adjustable: ClassVar[frozenset[str]] = frozenset({"lr"})
    tunable: ClassVar[dict] = {"lr": {"uniform": [0.0, 1.0]}}

    lr: float = Field(default=0.5, ge=0, le=1)
    max_epochs: int = Field(default=8, ge=1)
    stop_after: int | None = None
    changes: dict[str, dict[str, float]] = {}
    pause: float = 0.0  # seconds an epoch
    fails_above: float = 2.0

    def fit(self, fitting):
        import polars as pl

        kept = fitting.work / "state.json"
        state = json.loads(kept.read_text()) if kept.exists() else {"w": 0.0, "losses": []}
        begun, losses = len(state["losses"]), state["losses"]
        lr = self.lr
        for epoch in range(1, min(self.max_epochs, self.stop_after or self.max_epochs) + 1):
            lr = next((one["lr"] for one in self.changes.values() if one["after"] == epoch - 1), lr)
            if epoch <= begun:
                continue
            time.sleep(self.pause)
            if lr > self.fails_above:
                raise RunFailed(f"trainer: {lr:.2f} is more than it can bear")
            state["w"] += (1 - state["w"]) * max(0.0, 0.5 - abs(lr - 1 / epoch))
            losses.append(1 - state["w"])
            draft = kept.with_suffix(".draft")
            draft.write_text(json.dumps(state))
            draft.replace(kept)
            if epoch < self.max_epochs:
                fitting.report(epoch, {"validation/loss": 1 - state["w"]})
        with open("fits.log", "a") as log:
            log.write(json.dumps({"lr": lr, "from": begun, "to": len(losses)}) + "\\n")
        best = losses.index(min(losses)) + 1
        (fitting.folder / "trained.json").write_text(json.dumps({"epochs": len(losses), "best_epoch": best, "best_score": min(losses)}))
        rows = [(epoch, "validation/loss", loss) for epoch, loss in enumerate(losses, 1)]
        pl.DataFrame(rows, schema=["epoch", "name", "value"], orient="row").write_parquet(fitting.folder / "curves.parquet")
        (fitting.folder / "weights.safetensors").write_text(repr(state["w"]))
'''

_RECIPE = """
mlforge: 1
defaults:
  - lifecycle
  - source: csv
  - split: random
  - model: linear
  - trainer: toy
  - _self_
name: toy
source: {path: rows.csv}
contract:
  columns:
    a: {dtype: int}
    up: {dtype: category, role: target}
"""

SPACE = "sweep.space={x: {key: trainer.x, uniform: [0, 1]}, y: {key: trainer.y, randint: [0, 4]}}"


def toys(project: TestProject) -> TestProject:
    """A project whose recipe `toy` trains with the toy."""
    rows = "a,up\n" + "".join(f"{i % 17},{'yes' if i % 3 else 'no'}\n" for i in range(200))
    project.write(
        {"rows.csv": rows, "toys/__init__.py": _INIT, "toys/trainer.py": _TRAINER, "toys/growing.py": _GROWING, "mlforge.toml": 'plugins = ["toys"]\n'},
        toy=_RECIPE,
    )
    return project


def fits(project: TestProject) -> list[dict[str, Any]]:
    """Every fit that was begun."""
    log = project.root / "fits.log"
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def trials(project: TestProject) -> list[dict[str, Any]]:
    """The table of trials of the only sweep."""
    return json.loads((tuned(project) / "trials.json").read_text())


def tuned(project: TestProject) -> Path:
    """The folder with what the newest sweep has found."""
    found = sorted((project.root / ".mlforge" / "artifacts").glob("*/tuned.json"), key=lambda path: path.stat().st_mtime_ns)
    return found[-1].parent


def swept(project: TestProject, *words: str) -> Outcome:
    """A run that must succeed."""
    outcome = project.run("run", "toy", *words)
    assert outcome.code == 0, outcome.text
    return outcome
