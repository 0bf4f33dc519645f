"""Where one trial after another is run: the recipe composed with its overrides, and the stages of the trial in a folder of its own. Knows nothing of Ray."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NoReturn

from mlforge.artifact import Artifact, Trained
from mlforge.errors import RunFailed, nearest
from mlforge.finding import Finding
from mlforge.lifecycle.graph import Node
from mlforge.lifecycle.job import StageJob
from mlforge.lifecycle.steering import nodes_of
from mlforge.lifecycle.sweep.journal import Measured
from mlforge.lifecycle.sweep.lineage import take_up
from mlforge.recipe import Recipe

__all__ = ["Bench", "Commission", "Report"]

Report = Callable[[int, Mapping[str, float]], None]
_SHARED = "shared"


@dataclass(frozen=True)
class Commission:
    """What all trials of a search have in common, as plain data that another process can be told."""

    reference: str
    overrides: tuple[str, ...]  # of the recipe, without its sweep
    place: str  # the folder in which the command was given
    stages: tuple[str, ...]  # those of a trial, in order
    inputs: Mapping[str, tuple[str, str]]  # by port: folder and digest of what the stages before have made
    findings: tuple[str, ...]  # that the search looks at, the first objective's first
    folder: str  # the search's own
    smoke: bool = False

    def home(self, number: int) -> Path:
        """The folder of a trial."""
        return Path(self.folder) / "trials" / f"{number:05d}"

    @property
    def shared(self) -> Path:
        """Where lies what every trial reads."""
        return Path(self.folder) / _SHARED


@dataclass(frozen=True)
class Bench:
    """Runs trials of one search in this process."""

    commission: Commission

    @cached_property
    def recipe(self) -> Recipe:
        """The recipe without a trial's overrides."""
        from mlforge.plugins import catalog
        from mlforge.project import Project
        from mlforge.recipe import compose

        project = Project.find(Path.cwd())
        return compose(self.commission.reference, self.commission.overrides, project, catalog(project))

    def run(self, number: int, overrides: Iterable[str], report: Report, parent: int | None = None) -> Measured:
        """One trial to its end, from where its parent has ended; begun before and killed, it goes on.

        Raises what its stages raise, and RecipeError when the overrides make no recipe.
        """
        os.chdir(self.commission.place)  # paths are meant from where the command was given; Ray has a folder of its own for each trial
        recipe = self.recipe.again(tuple(overrides))
        home = self.commission.home(number)
        made: dict[str, Artifact] = {}
        findings: list[Finding] = []
        trained: Trained | None = None
        kinds = {port: kind for node in nodes_of(recipe) for port, kind in node.stage.inputs.items()}
        given = {port: kinds[port](Path(folder), digest) for port, (folder, digest) in self.commission.inputs.items() if port in kinds}
        for node in nodes_of(recipe):
            if node.name not in self.commission.stages:
                continue
            if parent is not None:
                take_up(self.commission.home(parent) / node.name, home / node.name)
            job = self._job(node, recipe, given | made, home / node.name, report)
            node.stage.run(job)
            findings += job.findings
            made |= {port: kind(job.draft(port)) for port, kind in node.stage.outputs.items()}
            trained = next((one for one in made.values() if isinstance(one, Trained)), trained)
        measured = Measured(dict(self._sought(findings, trained)), _epochs(trained), _curve(trained, self.commission.findings[0]))
        measured.write(home)
        return measured

    def _job(self, node: Node, recipe: Recipe, inputs: Mapping[str, Artifact], folder: Path, report: Report) -> StageJob:
        job = StageJob(
            node=node,
            recipe=recipe,
            inputs={port: inputs[port] for port in node.stage.inputs},
            folder=folder,
            smoke=self.commission.smoke,
            tell=lambda done, total, note: None,
            gathered=_nothing_gathered,
            champions=lambda: None,  # trials are compared with each other
            hear=report,
        )
        for path in self.commission.shared.glob("*") if self.commission.shared.is_dir() else ():
            link = job.work / path.name
            if not link.is_symlink():
                link.symlink_to(path)
        job.begin()
        return job

    def _sought(self, findings: Iterable[Finding], trained: Trained | None) -> Iterable[tuple[str, float]]:
        """The findings that the search looks at: of the curves at the epoch that was kept, of the others about the variant that ships."""
        known = _curves(trained) if trained is not None else {}
        for finding in findings:
            if finding.subject in ("candidate", "data") and finding.value is not None:
                known.setdefault(finding.name, finding.value)
        for name in self.commission.findings:
            if name not in known:
                raise RunFailed(f"it has measured no {name}; there are {', '.join(list(known)[:12])}", hint=nearest(name, known))
            if known[name] - known[name] != 0:
                raise RunFailed(f"{name} is {known[name]}")
            yield name, float(known[name])


def _curves(trained: Trained) -> dict[str, float]:
    import polars as pl

    best = trained.json("trained.json")["best_epoch"]
    rows = pl.read_parquet(trained.folder / "curves.parquet").filter(pl.col("epoch") == best)
    return dict(zip(rows["name"].to_list(), rows["value"].to_list(), strict=True))


def _curve(trained: Trained | None, name: str) -> tuple[tuple[int, float], ...]:
    import polars as pl

    if trained is None:
        return ()
    return tuple(pl.read_parquet(trained.folder / "curves.parquet").filter(pl.col("name") == name).sort("epoch").select("epoch", "value").iter_rows())


def _epochs(trained: Trained | None) -> int:
    return int(trained.json("trained.json")["epochs"]) if trained is not None else 0


def _nothing_gathered() -> NoReturn:
    raise TypeError("a trial ends before the stages that gather findings")
