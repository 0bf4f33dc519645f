"""A version made again from its record, in a store of its own, and held against what is there."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mlforge.artifact import Artifact
from mlforge.components import Champion
from mlforge.lifecycle.assemble import assemble
from mlforge.lifecycle.engine import Engine, Outcome
from mlforge.lifecycle.keys import changes, settings
from mlforge.lifecycle.reporter import Reporter
from mlforge.plugins import Hooks
from mlforge.recipe import Recipe
from mlforge.store import RunRecord, Store, Version

__all__ = ["Reproduction", "Same", "reproduce"]


@dataclass(frozen=True)
class Same:
    """One artifact, then and now."""

    stage: str
    port: str
    then: str
    now: str
    reason: str = ""  # what decided it and is not the same; empty where nothing is

    @property
    def same(self) -> bool:
        """Is it the same, byte for byte."""
        return self.then == self.now


@dataclass(frozen=True)
class Reproduction:
    """What came of it."""

    version: Version
    recipe: tuple[str, ...]  # how the recipe differs from the recorded one
    artifacts: tuple[Same, ...]

    @property
    def same(self) -> bool:
        """Is every artifact the same."""
        return all(one.same for one in self.artifacts)

    @property
    def first(self) -> Same | None:
        """The first artifact that is another, in the order in which they were made."""
        return next((one for one in self.artifacts if not one.same), None)


def reproduce(recipe: Recipe, hooks: Hooks, store: Store, version: Version, folder: Path, reporter: Reporter) -> Reproduction:
    """Run the recipe in an empty store under `folder`, against the champion of that time, and compare every artifact."""
    run = store.records.run(version.run)
    if (salt := store.state / "salt").exists():
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(salt, folder / "salt")
    with Store.open(None, folder) as fresh:
        lifecycle = assemble(recipe, fresh)
        lifecycle.rival = (_rival(store, version),)
        outcome = Engine(lifecycle, hooks, reporter).run(run.overrides)
        told = tuple(changes(dict(settings(recipe.plain, "")), dict(settings(run.plain, ""))))
        return Reproduction(version, told, tuple(_compared(store, fresh, run, outcome)))


def _rival(store: Store, version: Version) -> Champion | None:
    """Whom the version was compared with."""
    for other in store.registry.versions(version.model):
        if version.judged_against is not None and other.bundle == version.judged_against:
            return Champion(other.model, other.version, Artifact(store.artifacts.path(other.bundle), other.bundle))
    return None


def _compared(store: Store, fresh: Store, run: RunRecord, outcome: Outcome) -> Iterator[Same]:
    for use in run.stages:
        for port, then in use.outputs.items():
            now = outcome.outputs.get(use.name, {}).get(port, "")
            yield Same(use.name, port, then, now, "" if then == now else _reason(store, fresh, use.key, outcome.keys.get(use.name, "")))


def _reason(store: Store, fresh: Store, then: str, now: str) -> str:
    before, after = store.records.stage(then), fresh.records.stage(now)
    if before is None or after is None:
        return "the stage did not run"
    told = changes(after.parts, before.parts)
    own = [change for change in told if not change.startswith("input ")] or told
    return ", ".join(own[:3]) or "the same inputs, settings, code and versions gave other bytes"
