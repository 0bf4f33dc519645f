"""One file of the recipe language: its defaults list, and the rest of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mlforge.errors import Origin, Problem, nearest
from mlforge.recipe.migrate import migrated
from mlforge.recipe.node import Node
from mlforge.recipe.refusals import HYDRA, refusals
from mlforge.recipe.yaml import read
from mlforge.sections import SECTIONS, TOP

__all__ = ["Choice", "Document", "Parent", "load"]


@dataclass(frozen=True, slots=True)
class Parent:
    """An item of a defaults list that names another file: a recipe's parent recipe, or the option under a preset. `_self_` is one too."""

    name: str
    origin: Origin

    @property
    def is_self(self) -> bool:
        """The place of the file's own keys."""
        return self.name == "_self_"


@dataclass(frozen=True, slots=True)
class Choice:
    """An item of a defaults list that chooses options for a section."""

    section: str
    options: tuple[tuple[str, Origin], ...]
    origin: Origin

    @property
    def names(self) -> tuple[str, ...]:
        """The options alone."""
        return tuple(name for name, _ in self.options)


@dataclass(frozen=True, slots=True)
class Document:
    """A recipe or a preset as it is written."""

    name: str  # "adult", "model/big"
    path: Path
    shown: str  # the path as messages call it
    provider: str  # "project", or the plugin's name
    defaults: tuple[Parent | Choice, ...]
    body: Node
    problems: tuple[Problem, ...] = ()
    fatal: bool = False  # nothing can be said about the rest before these problems are mended
    report: tuple[str, ...] = ()  # what was migrated
    section: str | None = None  # of a preset

    @property
    def parents(self) -> tuple[Parent, ...]:
        """Files that this one builds on."""
        return tuple(item for item in self.defaults if isinstance(item, Parent) and not item.is_self)

    @property
    def choices(self) -> tuple[Choice, ...]:
        """Options that this file chooses."""
        return tuple(item for item in self.defaults if isinstance(item, Choice))


def load(name: str, path: Path, shown: str, provider: str, allowed: tuple[str, ...], section: str | None = None) -> Document:
    """Read a file. What is wrong with it on its own is among its problems."""
    parsed = read(path, shown)
    refused = tuple(refusals(parsed.root, allowed, section or ""))
    problems = [*parsed.problems, *refused]
    root, report = parsed.root, tuple[str, ...]()
    if parsed.whole and not refused and section is None:
        root, report, wrong = migrated(root, shown)
        problems += wrong
    defaults, wrong_items = _defaults(root, section) if not refused else ([], [])
    body, fatal = root.without("defaults", "mlforge"), bool(refused) or not parsed.whole
    return Document(name, path, shown, provider, tuple(defaults), body, (*problems, *wrong_items), fatal, report, section)


def _defaults(root: Node, section: str | None) -> tuple[list[Parent | Choice], list[Problem]]:
    node = root.items.get("defaults")
    if node is None:
        return [], []
    if not isinstance(node.value, tuple):
        return [], [Problem("defaults", "is not a list", node.place, "a list such as [lifecycle, {model: mlp}, _self_]")]
    made: list[Parent | Choice] = []
    problems: list[Problem] = []
    for index, item in enumerate(node.value):
        for part in _item(item, f"defaults.{index}", section):
            if isinstance(part, Problem):
                problems.append(part)
            else:
                made.append(part)
    seen = [part for part in made if isinstance(part, Parent) and part.is_self]
    if len(seen) > 1:
        problems.append(Problem("defaults", "_self_ is listed twice", seen[1].origin))
        made = [part for part in made if part not in seen[1:]]
    problems += _twice([part for part in made if isinstance(part, Choice)])
    return (made if seen else [*made, Parent("_self_", node.origin)]), problems


def _twice(choices: list[Choice]) -> Iterator[Problem]:
    seen: set[str] = set()
    for choice in choices:
        if choice.section in seen:
            yield Problem(
                f"defaults.{choice.section}",
                "the section is listed twice",
                choice.origin,
                hint="Write one item.",
            )
        seen.add(choice.section)


def _item(item: Node, where: str, section: str | None) -> Iterator[Parent | Choice | Problem]:
    expected = "names of options of the same section, and _self_" if section else "a recipe's name, `section: option`, or _self_"
    if isinstance(item.value, str):
        if "/" in item.value or "@" in item.value or "${" in item.value or item.value.startswith("hydra"):
            yield Problem(where, f"{item.value!r} is not a plain name", item.origin, expected)
        else:
            yield Parent(item.value, item.origin)
    elif not item.items or section:
        yield Problem(where, "is not a plain name" if not isinstance(item.value, dict) else "chooses for a section", item.origin, expected)
    else:
        for key, value in item.items.items():
            yield from _choice(key, value, where)


def _choice(key: str, value: Node, where: str) -> Iterator[Choice | Problem]:
    words = key.split()
    name = words[-1] if words else ""
    if name.lstrip("/") != name or words[:-1] not in ([], ["override"]) or "@" in name:
        yield Problem(where, f"{key!r} is not part of the recipe language", value.place, hint=f"Write {name.lstrip('/').partition('@')[0]}: option.")
    elif name.partition("/")[0] in HYDRA:
        yield Problem(where, f"{key!r} belongs to Hydra's own machinery, which a recipe cannot set", value.place, hint="Delete it.")
    elif name not in TOP:
        yield Problem(f"defaults.{name}", "no such section", value.place, f"one of {', '.join(TOP)}", nearest(name, TOP))
    else:
        yield _options(name, value)


def _options(section: str, value: Node) -> Choice | Problem:
    nodes = value.value if isinstance(value.value, tuple) else () if value.value is None else (value,)
    for node in nodes:
        if not isinstance(node.value, str):
            return Problem(f"defaults.{section}", "an option is not a name", node.origin, f"`{section}: option`")
        if "/" in node.value or "@" in node.value or "${" in node.value:
            return Problem(f"defaults.{section}", f"{node.value!r} is not a plain name", node.origin, f"`{section}: option`")
    if len(nodes) > 1 and not SECTIONS[section].plural:
        return Problem(f"defaults.{section}", f"{len(nodes)} options", nodes[1].origin, "one: the section is singular")
    names = [str(node.value) for node in nodes]
    if len(set(names)) < len(names):
        twice = next(node for index, node in enumerate(nodes) if node.value in names[:index])
        hint = f"Give the second a name of its own: {section}: {{NAME: {{use: {twice.value}}}}}."
        return Problem(f"defaults.{section}", f"{twice.value} is listed twice", twice.origin, hint=hint)
    return Choice(section, tuple((str(node.value), node.origin) for node in nodes), value.place)
