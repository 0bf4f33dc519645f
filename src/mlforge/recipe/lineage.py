"""Who builds on whom: the recipes under a recipe, and which component each file's author had in mind for each section.

An *address* is a section in the singular ("model") or an entry of one in the plural ("gates.thresholds").
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from mlforge.errors import COMMAND_LINE, Origin, Problem
from mlforge.recipe.document import Choice, Document
from mlforge.recipe.library import Library
from mlforge.recipe.node import Node, is_map
from mlforge.recipe.overrides import Override, Overrides
from mlforge.sections import SECTIONS

__all__ = ["Lineage", "Use", "Uses"]


@dataclass(frozen=True, slots=True)
class Use:
    """The component at an address, the option by which it was chosen, and where."""

    component: str | None  # None for an option that does not exist
    option: str
    origin: Origin
    displaced: tuple[Use, ...] = ()
    listed: str | None = None  # the option of a defaults list or the command line under it; None when there is only a `use` key

    def node(self) -> Node:
        """As the value of the key `use`."""
        return Node(self.component, self.origin, None, tuple(Node(old.component, old.origin) for old in self.displaced))


Uses = Mapping[str, Use]


def address(section: str, option: str) -> str:
    """Where an option lands."""
    return f"{section}.{option}" if SECTIONS[section].plural else section


@dataclass(slots=True)
class Lineage:
    """A recipe and all that it builds on."""

    library: Library
    root: str
    problems: list[Problem] = field(default_factory=list)
    missing: list[Problem] = field(default_factory=list)  # those that are recipes nobody has
    _uses: dict[str, dict[str, Use]] = field(default_factory=dict)
    _listed: dict[str, frozenset[str]] = field(default_factory=dict)

    def documents(self) -> Iterator[Document]:
        """The recipe and its parents, each once. Cycles and missing files become problems."""
        seen: set[str] = set()
        yield from self._closure(self.root, (), seen, Origin(self.root))

    def _closure(self, name: str, chain: tuple[str, ...], seen: set[str], origin: Origin) -> Iterator[Document]:
        document = self.library.recipe(name)
        if document is None:
            self._unknown(name, chain, origin)
            return
        paths = [found.path.resolve() for link in chain if (found := self.library.recipe(link))]
        if document.path.resolve() in paths:
            shown = [*(str(found.shown) for link in chain if (found := self.library.recipe(link))), document.shown]
            self.problems.append(Problem("defaults", f"a cycle: {' → '.join(shown)}", origin, hint="Take one of them out."))
            return
        if name in seen:
            return
        seen.add(name)
        if clash := self.library.clash(name, origin):
            self.problems.append(clash)
        yield document
        for parent in document.parents:
            yield from self._closure(parent.name, (*chain, name), seen, parent.origin)

    def _unknown(self, name: str, chain: tuple[str, ...], origin: Origin) -> None:
        known = self.library.recipes()
        there = f"there are {', '.join(known[:8])}{' …' if len(known) > 8 else ''}" if known else "there are none"
        where = "defaults" if chain else "recipe"
        if name in known:  # it is there, under a name that no recipe can have
            expected = "letters, digits, dots, dashes and underscores, a letter or digit first"
            self.missing.append(Problem(where, f"{name!r} is no name of a recipe", origin, expected, "Rename its file."))
            self.problems.append(self.missing[-1])
            return
        self.missing.append(Problem(where, f"no recipe {name!r}", origin, there, self.library.near(None, name)))
        self.problems.append(self.missing[-1])

    def presets(self, uses: Uses) -> Iterator[Document]:
        """The presets under what is used. Unknown options, clashes and cycles become problems."""
        for where, use in uses.items():
            section = where.partition(".")[0]
            if use.listed is not None:
                yield from self._presets(section, use.listed, (), use.origin, where)
            if use.component is None and not any(problem.where in (where, "defaults") for problem in self.problems):
                found = f"the preset {use.option} builds on no component"
                self.problems.append(Problem(where, found, use.origin, "a defaults list such as [mlp, _self_], or the key `use`"))

    def _presets(self, section: str, option: str, chain: tuple[Document, ...], origin: Origin, where: str) -> Iterator[Document]:
        name = f"{section}/{option}"
        if clash := self.library.clash(name, origin):
            self.problems.append(clash)
        preset = self.library.preset(section, option)
        if preset is None:
            if option not in self.library.catalog.options(section):
                self._no_option(section, option, origin, where)
            return
        if preset in chain:
            shown = [document.shown for document in (*chain, preset)]
            self.problems.append(Problem("defaults", f"a cycle: {' → '.join(shown)}", origin, hint="Take one of them out."))
            return
        yield preset
        for parent in preset.parents:
            if parent.name != option or option not in self.library.catalog.options(section):
                yield from self._presets(section, parent.name, (*chain, preset), parent.origin, where)

    def _no_option(self, section: str, option: str, origin: Origin, where: str) -> None:
        self.problems.append(self.library.no_option(section, option, where, origin))

    def listed(self, name: str) -> frozenset[str]:
        """Sections that a recipe's defaults lists name, parents included."""
        if name not in self._listed:
            document = self.library.recipe(name)
            own = frozenset(choice.section for choice in document.choices) if document else frozenset()
            above = [self.listed(parent.name) for parent in document.parents] if document else []
            self._listed[name] = own.union(*above)
        return self._listed[name]

    def uses(self, name: str) -> dict[str, Use]:
        """The component at each address, as the author of this recipe sees it."""
        if name not in self._uses:
            document = self.library.recipe(name)
            uses: dict[str, Use] = {}
            for parent in document.parents if document else ():
                uses.update(self.uses(parent.name))
            for choice in document.choices if document else ():
                uses = self.chosen(uses, choice)
            if "model" in uses or (document and document.body.find(("model", "use"))):
                uses = self._defaulted(uses, name)
            self._uses[name] = self.overlaid(uses, document.body) if document else uses
        return self._uses[name]

    def _defaulted(self, uses: dict[str, Use], name: str) -> dict[str, Use]:
        """What is used when the sections that every model needs are not listed."""
        listed = self.listed(name)
        for section in SECTIONS.values():
            if section.default and section.name not in listed:
                origin = Origin("default of mlforge")
                made = {address(section.name, name): Use(self.library.component(section.name, name), name, origin, (), name) for name in section.default}
                uses = {**made, **uses} if not any(where in uses for where in made) else uses
        return uses

    def chosen(self, uses: Uses, choice: Choice) -> dict[str, Use]:
        """What is used after a choice: the section's other addresses go."""
        old = {where: use for where, use in uses.items() if where.partition(".")[0] == choice.section}
        made = {where: use for where, use in uses.items() if where not in old}
        for option, origin in choice.options:
            where = address(choice.section, option)
            before = old.get(where)
            component = self.library.component(choice.section, option)
            made[where] = Use(component, option, origin, (before, *before.displaced) if before else (), option)
        return made

    def overlaid(self, uses: Uses, body: Node) -> dict[str, Use]:
        """What is used after a file's own keys: `use` chooses, null deletes."""
        made = dict(uses)
        for section, node in body.items.items():
            if section not in SECTIONS:
                continue
            if node.value is None:
                made = {where: use for where, use in made.items() if where.partition(".")[0] != section}
            entries = {f"{section}.{entry}": child for entry, child in node.items.items()} if SECTIONS[section].plural else {section: node}
            for where, child in entries.items():
                if child.value is None:
                    made.pop(where, None)
                elif is_map(child) and (used := child.items.get("use")) is not None:
                    made[where] = _named(used, made.get(where))
                elif section == "stages" and where not in made and where.partition(".")[2] in self.library.catalog.options("stages"):
                    name = where.partition(".")[2]
                    made[where] = Use(name, name, child.place)
        return made

    def final(self, uses: Uses, overrides: Overrides) -> dict[str, Use]:
        """What is used after the command line."""
        made = dict(uses)
        for override in overrides.items:
            section = override.path[0]
            if override.act == "choose":
                made = self.chosen(made, Choice(section, tuple((name, COMMAND_LINE) for name in override.options), COMMAND_LINE))
            elif override.act == "add":
                made = made | {where: use for where, use in self.chosen({}, _choice(override)).items() if where not in made}
            elif override.act == "drop":
                made = {where: use for where, use in made.items() if where not in {address(section, name) for name in override.options}}
            elif section in SECTIONS and _whole(override):
                value = override.value if override.act == "set" else Node(None, COMMAND_LINE)
                made = self.overlaid(made, Node({}, COMMAND_LINE).updated(override.path, value))
        return made


def _choice(override: Override) -> Choice:
    return Choice(override.path[0], tuple((name, COMMAND_LINE) for name in override.options), COMMAND_LINE)


def _whole(override: Override) -> bool:
    """Does it choose or delete a component, rather than one of its keys. (Stages are chosen by naming them.)"""
    section = override.path[0]
    depth = 2 if SECTIONS[section].plural else 1
    return section == "stages" or len(override.path) <= depth or (len(override.path) == depth + 1 and override.path[-1] == "use")


def _named(used: Node, before: Use | None) -> Use:
    name = str(used.value)
    if before is None:
        return Use(name, name, used.origin)
    option = before.option if before.component == name else name
    return Use(name, option, used.origin, (before, *before.displaced), before.listed)
