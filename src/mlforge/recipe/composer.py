"""Compose a recipe: find its files, lay them over each other, and check the whole before anything runs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from mlforge.errors import COMMAND_LINE, MissingRequirement, MlforgeError, Origin, Problem, RecipeError, nearest
from mlforge.recipe.commas import expanded
from mlforge.recipe.document import Document
from mlforge.recipe.library import PRIMARY, Library, display
from mlforge.recipe.lineage import Lineage, Use
from mlforge.recipe.node import Node, Plain
from mlforge.recipe.order import Layer, layers
from mlforge.recipe.overrides import Overrides, parse
from mlforge.recipe.references import referred
from mlforge.recipe.switching import Switch
from mlforge.secrets import remember_passwords
from mlforge.sections import SECTIONS

if TYPE_CHECKING:
    from mlforge.components import Component
    from mlforge.plugins import Catalog
    from mlforge.project import Project
    from mlforge.recipe.recipe import Recipe

__all__ = ["Composed", "Shelf", "compose", "composed"]

Further = Callable[[Mapping[str, Plain]], Iterable[Problem]]


@dataclass(slots=True)
class Shelf:
    """Component classes, imported when they are asked for; why one could not be is kept."""

    catalog: Catalog
    problems: dict[tuple[str, str], str] = field(default_factory=dict)
    missing: list[MissingRequirement] = field(default_factory=list)
    _classes: dict[tuple[str, str], type[Component] | None] = field(default_factory=dict)

    def get(self, section: str, name: str) -> type[Component] | None:
        """The class of a component, or None."""
        key = (section, name)
        if key not in self._classes:
            self._classes[key] = self._load(section, name)
        return self._classes[key]

    def fields(self, section: str, name: str) -> frozenset[str] | None:
        """Names of its fields."""
        found = self.get(section, name)
        return frozenset(found.model_fields) if found is not None else None

    def _load(self, section: str, name: str) -> type[Component] | None:
        if name not in self.catalog.options(section):
            return None
        try:
            return self.catalog.load(section, name)
        except MissingRequirement as error:
            self.missing.append(error)
        except RecipeError as error:
            self.problems[section, name] = str(error)
        return None


@dataclass(slots=True)
class Composed:
    """A recipe laid together, before it is typed."""

    reference: str
    project: Project
    root: Node
    uses: Mapping[str, Use]
    shelf: Shelf
    library: Library
    documents: list[Document]
    switch: Switch
    problems: list[Problem]
    overrides: tuple[str, ...] = ()


def compose(reference: str, overrides: Sequence[str], project: Project, catalog: Catalog, *, for_run: bool = False, further: Further | None = None) -> Recipe:
    """The recipe of that name, or at that path (`./x.yaml`), with overrides.

    Raises RecipeError with every problem at once. With `for_run`, also MissingRequirement when a package is not installed that the recipe's components
    need. `further` is called with the plain recipe when nothing else is wrong, and may find more problems (the hook `mlforge_check`).
    """
    from mlforge.recipe.finish import finish
    from mlforge.recipe.requirements import refusal, require, wanting
    from mlforge.recipe.signed import keyless
    from mlforge.recipe.signing import unsigned

    overrides = expanded(overrides)
    made = composed(reference, overrides, project, catalog)
    recipe, problems = finish(made)
    if recipe is not None and not problems and further is not None:
        problems = list(further(recipe.plain))
    if recipe is not None:
        problems = [*problems, *unsigned(recipe, project), *keyless(recipe, project)]
    absent = wanting(made.root.items.get("requires"))
    if problems or absent:
        raise refusal(reference, problems, absent, made.library.unknown, made.library.elsewhere) or failure(
            reference, [*problems, *(one.problem for one in absent)]
        )
    if recipe is None:
        raise made.shelf.missing[0]
    if for_run:
        require(recipe)
    return replace(
        recipe,
        reference=reference,
        overrides=tuple(overrides),
        recompose=lambda given: compose(reference, given, project, catalog, for_run=for_run, further=further),
    )


def failure(reference: str, problems: Sequence[Problem]) -> RecipeError:
    """All problems as one error, each once."""
    distinct = list(dict.fromkeys(problems))
    return RecipeError(f"{len(distinct)} problem{'s' * (len(distinct) > 1)} in recipe {reference}", problems=distinct)


def composed(reference: str, overrides: Sequence[str], project: Project, catalog: Catalog) -> Composed:
    """Lay a recipe's files and the overrides over each other. Raises RecipeError for what leaves no sense in looking further."""
    for text in overrides:
        remember_passwords(text)
    library, root = _find(reference, project, catalog)
    said = parse(overrides, project.env)
    lineage = Lineage(library, root)
    recipes = list(lineage.documents())
    problems = [*lineage.problems, *said.problems, *(problem for document in recipes for problem in document.problems)]
    if lineage.problems or said.fatal or any(document.fatal for document in recipes):
        raise _early(reference, problems, lineage, recipes)
    order = list(SECTIONS)
    final = dict(sorted(lineage.final(lineage.uses(root), said).items(), key=lambda item: order.index(item[0].partition(".")[0])))
    presets = list(lineage.presets(final))
    problems += [*lineage.problems, *(problem for document in presets for problem in document.problems)]
    if any(document.fatal for document in presets) or any("a cycle" in problem.found for problem in lineage.problems):
        raise failure(reference, problems)
    shelf = Shelf(catalog)
    switch = Switch(final, shelf.fields)
    ordered, wrong = layers(lineage, final)
    if wrong:
        raise failure(reference, [*problems, *wrong])
    tree = _laid(ordered, lineage, switch, library)
    tree, mistaken = _overridden(tree, said, switch, lineage.uses(root))
    tree, unknown = referred(_chosen(tree, final))
    for _, node in tree.walk():
        if isinstance(node.value, str):
            remember_passwords(node.value)
    problems += [*switch.problems, *mistaken, *unknown]
    return Composed(reference, project, tree, final, shelf, library, library.documents(), switch, problems, tuple(overrides))


def _early(reference: str, problems: Sequence[Problem], lineage: Lineage, recipes: Iterable[Document]) -> MlforgeError:
    """What to say when a recipe that another builds on is not there: perhaps a plugin that it requires is missing."""
    from mlforge.recipe.requirements import refusal, wanting

    absent = [one for document in recipes for one in wanting(document.body.items.get("requires"))]
    return refusal(reference, problems, absent, lineage.missing) or failure(reference, problems)


def _find(reference: str, project: Project, catalog: Catalog) -> tuple[Library, str]:
    path = Path(reference)
    if path.suffix not in (".yaml", ".yml") and os.sep not in reference:
        return Library(project, catalog), reference
    try:
        there = "" if path.is_file() else "is a folder" if path.is_dir() else "is not there"
    except OSError as error:
        there = f"cannot be read: {error.strerror}"
    if there:
        raise failure(reference, [Problem("recipe", f"the file {display(path)} {there}", COMMAND_LINE, "the path of a recipe, or its name")])
    return Library(project, catalog, path), PRIMARY


def _laid(ordered: Sequence[Layer], lineage: Lineage, switch: Switch, library: Library) -> Node:
    tree = Node({}, Origin("recipe"))
    for layer in ordered:
        if not layer.address:
            body = switch.layer(layer.document.body, lineage.uses(layer.document.name))
            tree = tree.merged(body)
            continue
        section, _, option = layer.document.name.rpartition("/")
        author = Use(library.component(section, option), option, layer.document.body.origin)
        kept = switch.section(layer.address, layer.document.body, author)
        if kept is not None:
            tree = tree.updated(tuple(layer.address.split(".")), kept)
    return tree


def _overridden(tree: Node, said: Overrides, switch: Switch, before: Mapping[str, Use]) -> tuple[Node, list[Problem]]:
    problems: list[Problem] = []
    for override in said.items:
        path = override.path
        if override.act in ("delete", "drop"):
            gone = [path] if override.act == "delete" else [(path[0], name) for name in override.options]
            problems += [_not_there(one, tree, before) for one in gone if tree.find(one) is None and ".".join(one) not in before]
            tree = tree.removed(path) if override.act == "delete" and tree.find(path) is not None else tree
        if override.act != "set":
            continue
        layer = switch.layer(Node({}, COMMAND_LINE).updated(path, override.value), switch.final) if path[0] in SECTIONS else None
        value = override.value if layer is None else layer.find(path)
        if value is not None:
            tree = tree.updated(path, value)
    return tree, problems


def _not_there(path: tuple[str, ...], tree: Node, before: Mapping[str, Use]) -> Problem:
    known = [*before, *(".".join(key) for key, _ in tree.walk() if key)]
    return Problem(".".join(path), "is not there to be deleted", COMMAND_LINE, hint=nearest(".".join(path), known))


def _chosen(tree: Node, uses: Mapping[str, Use]) -> Node:
    """The tree with the key `use` at every address that is used, and nothing at those that are not."""
    entries = {name: node for name, node in tree.items.items() if name not in SECTIONS}
    for section in SECTIONS.values():
        here = [use.origin for where, use in uses.items() if where.partition(".")[0] == section.name]
        below = tree.items.get(section.name, Node({}, here[0] if here else COMMAND_LINE))
        if not section.plural:
            if section.name in uses:
                entries[section.name] = _with_use(below, uses[section.name])
            continue
        found = {where.partition(".")[2]: use for where, use in uses.items() if where.partition(".")[0] == section.name}
        if found:
            made = {entry: _with_use(below.items.get(entry, Node({}, use.origin)), use) for entry, use in found.items()}
            entries[section.name] = Node(made, below.origin, below.key)
    return tree.with_items(entries)


def _with_use(node: Node, use: Use) -> Node:
    if not isinstance(node.value, Mapping):
        node = Node({}, use.origin)
    return node.with_items({"use": use.node(), **node.without("use").items})
