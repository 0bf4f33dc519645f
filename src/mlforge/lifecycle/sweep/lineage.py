"""What a trial sets, and what it goes on from.

The weights of a trial that goes on from another follow from the values that were tried on the way, one after the other: so they are overrides too, with changes
while it trains, and training with them from the start comes to the same. That a trial takes up another's checkpoints only saves the time.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from mlforge.components import Dimension, Population, Value
from mlforge.lifecycle.sweep.journal import Journal
from mlforge.recipe import Recipe, spelled

__all__ = ["Lineage", "take_up"]


@dataclass(frozen=True)
class Lineage:
    """Where the trials of a search come from."""

    space: Mapping[str, Dimension]
    journal: Journal
    population: Population | None  # None: every trial begins from the start
    epochs: int  # of a whole training; nothing to a search without a population

    @classmethod
    def of(cls, recipe: Recipe, space: Mapping[str, Dimension], journal: Journal, proposer: object) -> Lineage:
        """That of a recipe's search."""
        population = proposer if isinstance(proposer, Population) else None
        return cls(space, journal, population, int(getattr(recipe.sections["trainer"], "max_epochs", 0)))

    def overrides(self, number: int) -> tuple[str, ...]:
        """What a trial sets, as one would type it."""
        line = list(self._ancestors(number))[::-1]
        values = self.journal.began[line[0]]
        plain = tuple(spelled(dimension.key, values[name]) for name, dimension in sorted(self.space.items(), key=_sections_first))
        return (*plain, *self._on_the_way(self.population, line)) if self.population is not None else plain

    def ready(self, number: int) -> bool:
        """May the trial begin."""
        return self.population is None or self.population.ready(number)

    def parent(self, number: int) -> int | None:
        """From which other a new trial goes on."""
        return self.population.parent(number) if self.population is not None else None

    def needed(self) -> frozenset[int]:
        """The trials whose checkpoints others may go on from, or are going on from."""
        if self.population is None:
            return frozenset()
        ends = {one: self.population.end(one, self.epochs) for one in self.journal.began}
        last = sorted(set(ends.values()))[-2:]  # the generation that is on its way, and the one from which those go on that have not begun
        return frozenset(one for one, end in ends.items() if end in last)

    def _ancestors(self, number: int) -> Iterator[int]:
        """The trial, the one it goes on from, and so on."""
        one: int | None = number
        while one is not None:
            yield one
            one = self.journal.parents.get(one)

    def _on_the_way(self, population: Population, line: list[int]) -> Iterator[str]:
        """What changes while it trains, and when it is to stop."""
        changes: dict[str, Any] = {}
        for before, after in pairwise(line):
            new = self._differing(self.journal.began[before], self.journal.began[after])
            if new:
                changes[f"change_{len(changes) + 1}"] = {"after": population.end(before, self.epochs), **new}
        if changes:
            yield spelled("trainer.changes", changes)
        end = population.end(line[-1], self.epochs)
        if end < self.epochs:
            yield spelled("trainer.stop_after", end)

    def _differing(self, before: Mapping[str, Value], after: Mapping[str, Value]) -> dict[str, Value]:
        return {one.key.partition(".")[2]: after[name] for name, one in self.space.items() if before[name] != after[name]}


def take_up(source: Path, target: Path) -> None:
    """Begin with the checkpoints of another trial's stage, if it has left any; one that has begun goes on with its own."""
    there, here = source / "work" / "fit", target / "work" / "fit"
    if here.exists() or not there.is_dir():
        return
    draft = here.with_suffix(".draft")
    shutil.rmtree(draft, ignore_errors=True)
    shutil.copytree(there, draft)
    draft.rename(here)


def _sections_first(item: tuple[str, object]) -> bool:
    """An option is chosen before the keys of what it chooses are set."""
    return "." in getattr(item[1], "key", "")
