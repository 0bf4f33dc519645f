"""A sweep's space against the recipe: the default space filled in, and every value that it could give tried on the component that would get it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlforge.components import Component, Dimension, Population, Sweep, Trainer
from mlforge.components.space import LAWS
from mlforge.errors import Origin, Problem, RecipeError, nearest
from mlforge.recipe.commas import unswept
from mlforge.recipe.composer import Composed
from mlforge.recipe.node import Node, from_plain
from mlforge.recipe.spelling import spelled
from mlforge.recipe.words import few
from mlforge.sections import SECTIONS

if TYPE_CHECKING:
    from mlforge.recipe.finish import Finishing

__all__ = ["sweeping", "with_space"]

_FIXED = frozenset({"sweep", "stages", "cluster"})  # they do not decide what a trial comes to, or say how trials are run
_PROPOSING = ("model", "trainer")
_SEEDS = (0, 2**32 - 1)


def with_space(composed: Composed) -> Node:
    """The tree with the space that the model and the trainer propose, when the recipe has none of its own.

    Entries that name no key amend those of the proposed space; null takes one out of it.
    """
    root = composed.root
    written = root.find(("sweep", "space"))
    given = written.items if written is not None else {}
    if "sweep" not in composed.uses or any("key" in entry.items for entry in given.values()):
        return root
    space: dict[str, Node] = {}
    for name, proposed in _proposed(composed):
        over = given.get(name)
        if over is None:
            space[name] = proposed
        elif over.value is not None:
            space[name] = (proposed.without(*LAWS) if over.items.keys() & set(LAWS) else proposed).merged(over)
    space |= {name: entry for name, entry in given.items() if name not in space and entry.value is not None}
    place = written.origin if written is not None else root.nearest(("sweep",)).origin
    return root.removed(("sweep", "space")).updated(("sweep", "space"), Node(space, place)) if space else root


def _proposed(composed: Composed) -> Iterator[tuple[str, Node]]:
    taken: set[str] = set()
    sweep = _kind(composed, "sweep")
    gradual = sweep is not None and issubclass(sweep, Sweep) and sweep.gradual
    for section in _PROPOSING:
        use, kind = composed.uses.get(section), _kind(composed, section)
        for field, law in kind.tunable.items() if kind is not None else ():
            if gradual and field not in getattr(kind, "adjustable", ()):
                continue
            name = f"{section}_{field}" if field in taken else field
            taken.add(name)
            yield name, from_plain({"key": f"{section}.{field}", **law}, Origin(f"default space of {use.component if use else section}"))


def _kind(composed: Composed, section: str) -> type[Component] | None:
    use = composed.uses.get(section)
    return composed.shelf.get(section, use.component) if use is not None and use.component else None


def sweeping(finishing: Finishing, sections: Mapping[str, object]) -> Iterator[Problem]:
    """Everything that is wrong with the space."""
    sweep = sections.get("sweep")
    if not isinstance(sweep, Sweep):
        return
    if not sweep.space:
        place = finishing.composed.root.nearest(("sweep", "space")).place
        yield Problem("sweep.space", "nothing to vary", place, "at least one entry, for neither the model nor the trainer proposes any", _EXAMPLE)
    keys: dict[str, str] = {}
    for name, dimension in sweep.space.items():
        if dimension.key in keys:
            yield _problem(finishing, name, "key", f"{dimension.key} is varied by {keys[dimension.key]} too", "each key once")
        keys[dimension.key] = name
        yield from _Trying(finishing, sweep, name, dimension).problems()
    trainer = sections.get("trainer")
    if sweep.gradual and isinstance(trainer, Trainer):
        yield from _gradual(finishing, sweep, trainer)


def _gradual(finishing: Finishing, sweep: Sweep, trainer: Trainer) -> Iterator[Problem]:
    """What cannot change while a trial trains; and generations for which there is nothing left to train."""
    may = [f"trainer.{field}" for field in sorted(trainer.adjustable)]
    if not may:
        place = finishing.composed.root.nearest(("sweep",)).place
        found = f"trainer {type(trainer).__name__} cannot change its settings while it fits"
        yield Problem("sweep", found, place, "a trainer with adjustable fields, such as lightning", "Or search by sweep=asha.")
        return
    for name, dimension in sweep.space.items():
        if dimension.key not in may:
            yield _problem(finishing, name, "key", f"{dimension.key} cannot change while a trial trains", f"one of {few(may)}", "Or search by sweep=asha.")
    population, epochs = sweep.proposer(0), int(getattr(trainer, "max_epochs", 1))
    assert isinstance(population, Population), f"{type(sweep).__name__} is gradual, and its proposer is no population"
    ends = [population.end(number, epochs) for number in range(sweep.most)]
    if ends and (ends.count(epochs) > ends.count(ends[0]) or ends[0] == epochs):
        place = finishing.composed.root.nearest(("trainer", "max_epochs")).place
        found = f"{epochs} epochs are over before the last generation of sweep {type(sweep).__name__.lower()} begins"
        yield Problem("trainer.max_epochs", found, place, "epochs for every generation", "More epochs, fewer of sweep.trials, or fewer epochs in sweep.every.")


_EXAMPLE = "Write space: {lr: {key: trainer.lr, loguniform: [1e-4, 1e-1]}}."


def _problem(finishing: Finishing, entry: str, below: str, found: str, expected: str = "", hint: str = "") -> Problem:
    path = ("sweep", "space", entry, *below.split("."))
    return Problem(".".join(path), found, finishing.composed.root.nearest(path).place, expected, hint)


@dataclass(frozen=True)
class _Trying:
    """One entry of the space, tried."""

    finishing: Finishing
    sweep: Sweep
    name: str
    dimension: Dimension

    @property
    def composed(self) -> Composed:
        return self.finishing.composed

    def problems(self) -> Iterator[Problem]:
        """What is wrong with it."""
        path = tuple(self.dimension.key.split("."))
        section = path[0]
        if self.dimension.key == "seed":
            yield from self._seed()
        elif section not in SECTIONS or section in _FIXED:
            known = [one for one in SECTIONS if one not in _FIXED]
            yield self._wrong("key", f"{self.dimension.key} is nothing that a sweep can vary", f"a key below {few(known, 12)}", nearest(section, known))
        elif len(path) == 1:
            yield from self._options(section)
        else:
            depth = 2 if SECTIONS[section].plural else 1
            yield from self._field(path[:depth], path[depth:])

    def _wrong(self, below: str, found: str, expected: str = "", hint: str = "") -> Problem:
        return _problem(self.finishing, self.name, below, found, expected, hint)

    def _seed(self) -> Iterator[Problem]:
        for place, value in self.dimension.corners():
            if not isinstance(value, int) or isinstance(value, bool) or not _SEEDS[0] <= value <= _SEEDS[1]:
                yield self._wrong(self._at(place), f"{value} is no seed", "an integer from 0")
                return

    def _options(self, section: str) -> Iterator[Problem]:
        """A section: every option is tried in the whole recipe."""
        if self.dimension.choice is None:
            yield self._wrong(self.dimension.law, f"{section} is chosen among options, and {self.dimension.law} gives numbers", "choice: [OPTION, …]")
            return
        for place, option in enumerate(self.dimension.choice):
            yield from self._option(section, self._at(place), option)

    def _option(self, section: str, below: str, option: object) -> Iterator[Problem]:
        known = self.composed.library.options(section)
        names = option if isinstance(option, list | tuple) and SECTIONS[section].plural else [option]
        unknown = [one for one in names if one not in known]
        if unknown:
            yield self._wrong(below, f"no such option: {unknown[0]}", f"{section} has {few(known)}", nearest(str(unknown[0]), known))
            return
        from mlforge.recipe.composer import compose

        override = spelled(section, option)  # type: ignore[arg-type]  # names, as just seen
        try:
            compose(self.composed.reference, [*unswept(self.composed.overrides), override], self.composed.project, self.composed.shelf.catalog)
        except RecipeError as error:
            for one in error.problems[:3]:
                if one.where not in {known.where for known in self.finishing.problems}:  # else it is wrong without the option too
                    yield self._wrong(below, f"with {override}, {one.where}: {one.found}", one.expected, one.hint)

    def _field(self, address: tuple[str, ...], field: tuple[str, ...]) -> Iterator[Problem]:
        where = ".".join(address)
        use = self.composed.uses.get(where)
        if use is None or not field:
            known = [one for one in self.composed.uses if one.partition(".")[0] not in _FIXED]
            found = f"the recipe has no {where}" if use is None else f"{where} is no single key"
            yield self._wrong("key", found, "a key of the recipe", nearest(where, known))
            return
        kinds = dict(self._kinds(address, use.component))
        for name, kind in kinds.items():
            if field[0] not in kind.model_fields:
                there = f"{address[0]}/{name} has {few(kind.model_fields)}"
                yield self._wrong("key", f"{self.dimension.key} is an unknown key", there, nearest(field[0], kind.model_fields))
                return
        if use.component in kinds:
            yield from self._values(address, field, use.component)

    def _kinds(self, address: tuple[str, ...], component: str | None) -> Iterator[tuple[str, type[Component]]]:
        """The components that may stand there: another entry of the space may choose among options."""
        options = next((one.choice for one in self.sweep.space.values() if one.key == address[0] and one.choice), (component,))
        for option in options:
            name = self.composed.library.component(address[0], option) if isinstance(option, str) else None
            kind = self.composed.shelf.get(address[0], name) if name else None
            if name and kind is not None:
                yield name, kind

    def _values(self, address: tuple[str, ...], field: tuple[str, ...], component: str) -> Iterator[Problem]:
        from mlforge.recipe.finish import Finishing

        here = self.composed.root.find(address)
        if here is None:
            return
        for place, value in self.dimension.corners():
            scratch = Finishing(self.composed)
            scratch.component(".".join(address), address[0], component, here.updated(field, from_plain(value)))
            for one in scratch.problems:
                if one.where == self.dimension.key or one.where.startswith(self.dimension.key + "."):
                    hint = "Take randint or lograndint." if place is None and "integer" in one.found + one.expected else one.hint
                    yield self._wrong(self._at(place), f"{self.dimension.key}: {one.found}", one.expected, hint)
                    return

    def _at(self, place: int | None) -> str:
        return self.dimension.law if place is None else f"{self.dimension.law}.{place}"
