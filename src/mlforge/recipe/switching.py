"""Choosing another option keeps the keys that it also has, and drops the others.

Only for layers whose author had another option in mind: a key that the author's own option does not have is a mistake, and stays one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from mlforge.errors import Origin, Problem, nearest
from mlforge.recipe.lineage import Use, Uses
from mlforge.recipe.node import Node, is_map
from mlforge.recipe.words import few
from mlforge.sections import SECTIONS

__all__ = ["Dropped", "Switch", "entry_problem"]

Fields = Callable[[str, str], frozenset[str] | None]
"""Names of the fields of a component, by section and name; None when it cannot be had."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """A key that is not used, because another option was chosen."""

    path: str
    origin: Origin
    because: str  # "model is mlp, no longer linear"

    def __str__(self) -> str:
        return f"{self.path} ({self.origin}): {self.because}"


@dataclass(slots=True)
class Switch:
    """Fits layers to what is used in the end, and keeps a list of what was dropped."""

    final: Uses
    fields: Fields
    dropped: list[Dropped] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def layer(self, body: Node, authors: Uses) -> Node:
        """A recipe's keys, as far as they are used."""
        entries = {}
        for name, node in body.items.items():
            if name not in SECTIONS or node.value is None:
                entries[name] = node
            elif not is_map(node):
                self.problems.append(_no_map(name, node))
            elif SECTIONS[name].plural:
                entries[name] = node.with_items(dict(self._entries(name, node, authors)))
            elif (kept := self.section(name, node, authors.get(name))) is not None:
                entries[name] = kept
        return body.with_items(entries)

    def _entries(self, section: str, node: Node, authors: Uses) -> Iterator[tuple[str, Node]]:
        for entry, child in node.items.items():
            where = f"{section}.{entry}"
            if child.value is None:
                yield entry, child
            elif not is_map(child):
                self.problems.append(_no_map(where, child))
            elif (kept := self.section(where, child, authors.get(where), [name for name in authors if name.startswith(section + ".")])) is not None:
                yield entry, kept

    def section(self, where: str, node: Node, author: Use | None, siblings: list[str] | None = None) -> Node | None:
        """The keys at one address that are used; None when the address is not used at all."""
        final = self.final.get(where)
        if final is None:
            if author is None:
                self.problems.append(entry_problem(where, node, siblings))
            else:
                self.dropped += [Dropped(f"{where}.{key}", child.place, f"{where} is not chosen") for key, child in node.items.items() if key != "use"]
            return None
        node = node.without("use")
        if author is None or author.component == final.component or author.component is None or final.component is None:
            return node
        return self._switched(where, node, author.component, final.component)

    def _switched(self, where: str, node: Node, old: str, new: str) -> Node:
        section = where.partition(".")[0]
        had, has = self.fields(section, old), self.fields(section, new)
        if had is None or has is None:
            return node
        for key, child in node.items.items():
            if key in has:
                continue
            if key in had:
                self.dropped.append(Dropped(f"{where}.{key}", child.place, f"{where} is {new} and no longer {old}"))
            else:
                self.problems.append(unknown(f"{where}.{key}", f"{section}/{old}", had, child))
        return node.with_items({key: child for key, child in node.items.items() if key in has})


def unknown(where: str, owner: str, fields: frozenset[str] | list[str], node: Node) -> Problem:
    """A key that a component does not have."""
    names = sorted(fields)
    there = f"{owner} has {few(names)}" if names else f"{owner} has no keys"
    return Problem(where, "unknown key", node.place, there, nearest(where.rpartition(".")[2], names))


def entry_problem(where: str, node: Node, siblings: list[str] | None) -> Problem:
    """Keys for a section or an entry that nobody chose."""
    section, _, entry = where.partition(".")
    if not entry:
        return Problem(where, "has keys, but no option is chosen", node.place, f"`- {section}: OPTION` in the defaults list, or `use: OPTION` here")
    names = [name.partition(".")[2] for name in siblings or ()]
    there = f"{section} has {', '.join(names)}" if names else f"{section} has no entries"
    return Problem(where, "no such entry", node.place, there, nearest(entry, names) or "A new entry needs `use: OPTION`, or an item in the defaults list.")


def _no_map(where: str, node: Node) -> Problem:
    section = where.partition(".")[0]
    hint = f"Choose an option in the defaults list: `- {section}: {node.value}`." if isinstance(node.value, str) and where == section else ""
    return Problem(where, "is not a map of keys", node.place, "keys of the component", hint)
