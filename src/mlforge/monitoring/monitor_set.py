"""A model version's monitors: their components and the profiles of the reference that windows are compared with."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from mlforge.alarm import Windowing
from mlforge.artifact import Assignment, Table, frames
from mlforge.components import Monitor
from mlforge.contract import Contract
from mlforge.errors import MissingRequirement, MlforgeError, RecipeError
from mlforge.plugins import Catalog
from mlforge.reference import Reference
from mlforge.store import Store
from mlforge.store.entries import Version
from mlforge.task import TASKS, Task
from mlforge.window import Profile, Window

if TYPE_CHECKING:
    import polars as pl

__all__ = ["MonitorSet", "Watched", "reference_of", "training_rows"]

_PORT = "reference"


@dataclass(frozen=True, slots=True)
class Watched:
    """One monitor, with the profile of its reference."""

    entry: str
    monitor: Monitor
    reference: Profile
    digest: str = ""  # of the reference: what was held against another is not put together with this


@dataclass(frozen=True)
class MonitorSet:
    """The monitors of one model version, with the profiles of their reference."""

    contract: Contract
    task: Task
    watched: tuple[Watched, ...]

    @classmethod
    def open(cls, reference: Reference, catalog: Catalog, windows: str | None = None, groups: int = 1) -> Self:
        """Make the components that the recipe had. `windows` in place of their own; a promise on alarms is shared among `groups`.

        MissingRequirement when a plugin of theirs is gone.
        """
        watched = []
        for name, entry in reference.entries().items():
            monitor = _made(entry.component, entry.fields, catalog)
            monitor = monitor.over(windows) if windows else monitor
            for problem in monitor.objections(reference.contract):
                raise RecipeError(f"monitors.{name}.{problem.field}: {problem.found}: {problem.expected}")
            watched.append(Watched(name, monitor.shared(groups), entry.profile, entry.digest))
        return cls(reference.contract, TASKS[reference.task], tuple(watched))

    def beside(self, rows: Iterator[pl.DataFrame]) -> Self:
        """With the training rows, for monitors that compare rows with rows."""
        exact = {one.entry: Profile() for one in self.watched if one.monitor.exact}
        for frame in rows if exact else ():
            window = Window("train", frame, self.contract, self.task)
            for one in self.watched:
                if one.entry in exact:
                    exact[one.entry] = one.monitor.merge(exact[one.entry], one.monitor.summarise(window))
        return replace(self, watched=tuple(replace(one, reference=exact.get(one.entry, one.reference)) for one in self.watched))

    @property
    def asks(self) -> bool:
        """Does any monitor look at the model's answers."""
        return any(one.monitor.against == "test" for one in self.watched)

    def by_windowing(self) -> Mapping[Windowing, tuple[Watched, ...]]:
        """The monitors that look over the same windows."""
        found: dict[Windowing, list[Watched]] = {}
        for one in self.watched:
            found.setdefault(one.monitor.windowing, []).append(one)
        return {windowing: tuple(ones) for windowing, ones in found.items()}


def training_rows(store: Store, version: Version) -> Iterator[pl.DataFrame]:
    """The rows that a version was trained on, partition by partition, where they are still in the store; nothing where they are gone."""
    run = store.records.newest_making(version.model, "bundles", version.bundle, also=_PORT)
    made = {port: digest for use in (run.stages if run else ()) for port, digest in use.outputs.items()}
    try:
        table, assignment = made["table"], made["assignment"]
        for digest in (table, assignment):
            store.artifacts.verify(digest)
    except (KeyError, MlforgeError):
        return
    yield from frames(Table(store.artifacts.path(table), table), Assignment(store.artifacts.path(assignment), assignment), "train")


def reference_of(store: Store, version: Version) -> Reference:
    """What a version's windows are held against, verified: of the newest run that made this very bundle and had monitors. RecipeError when none had."""
    run = store.records.newest_making(version.model, "bundles", version.bundle, also=_PORT)
    if run is None:
        hint = f"Add monitors to the recipe, as in `mlforge run {version.model} 'monitors=[drift]'`, and run it again: what is there is reused."
        raise RecipeError(f"{version} has nothing to hold new rows against: its recipe has no section monitors.", hint=hint)
    digest = next(use.outputs[_PORT] for use in run.stages if _PORT in use.outputs)
    store.artifacts.verify(digest)
    return Reference(store.artifacts.path(digest), digest)


def _made(component: str, fields: Mapping[str, object], catalog: Catalog) -> Monitor:
    known = next((one for one in catalog.provided if one.reference == component), None)
    if known is None:
        raise MissingRequirement(f"no installed plugin provides the monitor {component}", hint="Install the plugins that the model's recipe was run with.")
    made = catalog.load(known.section, known.option).model_validate_json(json.dumps(fields))
    assert isinstance(made, Monitor)
    return made
