"""A composed recipe: typed, checked, and with the origin of everything in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from mlforge.budget import Budget
from mlforge.components import Component, Protection, rules_of
from mlforge.compress import Compress
from mlforge.contract import Contract
from mlforge.errors import Origin
from mlforge.recipe.commas import unswept
from mlforge.recipe.node import Node, Plain
from mlforge.recipe.switching import Dropped
from mlforge.runtime.protections import sealed
from mlforge.service.retrain import Retrain
from mlforge.service.rollout import Rollout
from mlforge.service.serve import Serve
from mlforge.task import Task

__all__ = ["Displaced", "Recipe"]

C = TypeVar("C", bound=Component)


@dataclass(frozen=True, slots=True)
class Displaced:
    """A value that another took the place of."""

    value: Plain
    origin: Origin


@dataclass(frozen=True)
class Recipe:
    """What a run is made from. `plain` can be recorded and hashed: variables of the environment stay unresolved in it."""

    name: str
    description: str
    seed: int
    task: Task
    store: str | None  # an absolute folder or a URL; None for the project's own
    contract: Contract | None
    sections: Mapping[str, Component | Mapping[str, Component]]  # every section that is there; `stages` has all stages of the run
    options: Mapping[str, str | Mapping[str, str]]  # the option chosen for each section or entry
    uses: Mapping[str, str | Mapping[str, str]]  # the component under each option
    plain: Mapping[str, Plain]
    root: Node = field(repr=False, compare=False)
    dropped: tuple[Dropped, ...] = ()
    files: tuple[Path, ...] = ()
    shadows: tuple[str, ...] = ()  # "recipes/adult.yaml hides adult of mlforge"
    migrations: tuple[str, ...] = ()  # what was read as if it were written in today's language
    deprecations: tuple[str, ...] = ()  # keys that it writes and that will go
    requires: tuple[str, ...] = ()
    budget: Budget | None = None  # what a run may use; decides nothing that comes of it
    compress: Compress | None = None  # what decides which variant ships
    serve: Serve | None = None  # how a server serves the model; decides nothing that comes of a run
    rollout: Rollout | None = None  # which version answers in a server; decides nothing that comes of a run
    retrain: Retrain | None = None  # when it is trained again; decides nothing that comes of a run
    providers: Mapping[str, str] = field(default_factory=dict)  # the plugin behind each address
    reference: str = ""  # the name or path by which it was asked for
    overrides: tuple[str, ...] = ()  # as they were given
    recompose: Callable[[Sequence[str]], Recipe] | None = field(default=None, repr=False, compare=False)

    def again(self, more: Sequence[str]) -> Recipe:
        """The same with more overrides: composed anew, and checked. Raises RecipeError with every problem."""
        assert self.recompose is not None, "a recipe that was not composed from files cannot be composed again"
        return self.recompose((*self.overrides, *more))

    @property
    def plainly(self) -> tuple[str, ...]:
        """The overrides that make this recipe without its sweep."""
        return unswept(self.overrides)

    def trial(self, more: Sequence[str]) -> Recipe:
        """One trial of its sweep: the same with these overrides, and without the sweep."""
        assert self.recompose is not None, "a recipe that was not composed from files cannot be composed again"
        return self.recompose((*self.plainly, *more))

    @property
    def origins(self) -> Mapping[str, Origin]:
        """Where each value comes from: "trainer.max_epochs" → recipes/adult.yaml:12:3."""
        return {".".join(path): node.place for path, node in self.root.walk() if path}

    @property
    def displaced(self) -> Mapping[str, tuple[Displaced, ...]]:
        """What each value displaced, the latest first."""
        return {
            ".".join(path): tuple(Displaced(old.plain(), old.place) for old in node.displaced) for path, node in self.root.walk() if path and node.displaced
        }

    def component(self, section: str, kind: type[C]) -> C:
        """The component of a section in the singular."""
        found = self.sections[section]
        assert isinstance(found, kind)
        return found

    def entries(self, section: str, kind: type[C]) -> Mapping[str, C]:
        """The components of a section in the plural, by entry; empty when the recipe has none."""
        found = self.sections.get(section, {})
        assert isinstance(found, Mapping)
        return {name: one for name, one in found.items() if isinstance(one, kind)}

    @property
    def kept(self) -> Contract | None:
        """The contract of the rows as they are after ingest has protected them: what every later stage sees."""
        entries = self.sections.get("privacy", {})
        if self.contract is None or not isinstance(entries, Mapping) or not entries:
            return self.contract
        protections = {entry: one for entry, one in entries.items() if isinstance(one, Protection)}
        return sealed(self.contract, rules_of(self.contract, protections))

    def components(self) -> Iterator[tuple[str, Component]]:
        """Every component with its address: "model", "gates.thresholds"."""
        for section, found in self.sections.items():
            if isinstance(found, Component):
                yield section, found
            else:
                yield from ((f"{section}.{entry}", one) for entry, one in found.items())
