"""Two runs side by side: what was asked, what decided each stage, and what was measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from mlforge.finding import Finding
from mlforge.lifecycle.keys import changes, settings
from mlforge.store import RunRecord, Store

__all__ = ["Comparison", "Measured", "compare", "run_of"]


@dataclass(frozen=True)
class Measured:
    """One finding of the candidate in both runs."""

    name: str
    one: Finding | None
    other: Finding | None

    @property
    def shown(self) -> bool | None:
        """Is the difference larger than chance explains: beyond the two intervals' halves in quadrature. None where there is no interval to say so.

        The rows of two runs may be the same ones; then the true interval of the difference is narrower, and this answer errs on the side of "not shown".
        """
        if self.one is None or self.other is None:
            return None
        halves = []
        for finding in (self.one, self.other):
            if finding.value is None or finding.low is None or finding.high is None:
                return None
            halves.append((finding.high - finding.low) / 2)
        assert self.one.value is not None
        assert self.other.value is not None
        return abs(self.one.value - self.other.value) > float(sum(half**2 for half in halves) ** 0.5)


@dataclass(frozen=True)
class Comparison:
    """What differs between two runs."""

    one: RunRecord
    other: RunRecord
    recipe: tuple[str, ...]  # "trainer.lr 0.001 → 0.01"
    stages: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # what decided each stage that is not the same, beyond the recipe
    measured: tuple[Measured, ...] = ()  # where the values differ


def compare(store: Store, one: RunRecord, other: RunRecord) -> Comparison:
    """What differs, from what was asked to what was measured."""
    asked = tuple(changes(dict(settings(other.plain, "")), dict(settings(one.plain, ""))))
    return Comparison(one, other, asked, dict(_stages(store, one, other)), tuple(_measured(store, one, other)))


def run_of(store: Store, reference: str) -> RunRecord:
    """The run with this id, or the one that made the version `adult@3`. Raises RecipeError when there is neither."""
    if "@" in reference or " " in reference or reference in store.registry.models():
        return store.records.run(store.registry.resolve(reference).run)
    return store.records.run(reference)


def _stages(store: Store, one: RunRecord, other: RunRecord) -> Iterator[tuple[str, tuple[str, ...]]]:
    theirs = {use.name: use for use in other.stages}
    for use in one.stages:
        if use.name not in theirs or use.key == theirs[use.name].key:
            continue
        before, after = store.records.stage(use.key), store.records.stage(theirs[use.name].key)
        if before is None or after is None:
            continue
        told = tuple(change for change in changes(after.parts, before.parts) if change.startswith(("input ", "outside ", "code of ", "version of ")))
        if told:
            yield use.name, told


def _measured(store: Store, one: RunRecord, other: RunRecord) -> Iterator[Measured]:
    mine, theirs = (_findings(store, run) for run in (one, other))
    for name in [*mine, *(name for name in theirs if name not in mine)]:
        both = Measured(name, mine.get(name), theirs.get(name))
        if (both.one.value if both.one else None) != (both.other.value if both.other else None):
            yield both


def _findings(store: Store, run: RunRecord) -> dict[str, Finding]:
    found = [finding for use in run.stages for finding in store.records.findings(use.key)]
    return {finding.name: finding for finding in reversed(found) if finding.subject in ("candidate", "data") and not finding.name.startswith("gate/")}
