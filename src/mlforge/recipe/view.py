"""A composed recipe for people: every value, where it came from, and what it displaced."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from mlforge.errors import Origin, RecipeError, nearest
from mlforge.recipe.node import Node, Plain, from_plain
from mlforge.recipe.recipe import Recipe
from mlforge.recipe.yaml import scalar
from mlforge.secrets import mask

__all__ = ["Row", "View", "show"]

_WIDEST = 60  # a map or list that is written in one line
_COMMENT = 56  # column at which origins begin, where there is room
_PLAIN = re.compile(r"[A-Za-z0-9_./$][A-Za-z0-9_./${}%+>=<-]*( [A-Za-z0-9_./-]+)*")


@dataclass(frozen=True, slots=True)
class Row:
    """One value."""

    path: str
    value: Plain
    origin: Origin
    displaced: tuple[tuple[Plain, Origin], ...] = ()

    def data(self) -> dict[str, Plain]:
        """For JSON."""
        displaced: list[Plain] = [{"value": value, "origin": str(origin)} for value, origin in self.displaced]
        return {"path": self.path, "value": self.value, "origin": str(self.origin), "displaced": displaced}


@dataclass(frozen=True, slots=True)
class View:
    """A recipe, or what is at one key of it."""

    recipe: Recipe
    key: str
    node: Node

    def rows(self) -> list[Row]:
        """Every value in the order of the recipe; empty lists and maps count as values."""
        start = tuple(self.key.split(".")) if self.key else ()
        return [
            Row(".".join((*start, *path)), node.plain(), node.place, tuple((old.plain(), old.place) for old in node.displaced))
            for path, node in self.node.walk()
            if not list(node.children())
        ]

    def data(self) -> dict[str, Plain]:
        """For JSON, secrets masked."""
        recipe = self.recipe
        found: dict[str, Plain] = {
            "recipe": recipe.name,
            "values": [row.data() for row in self.rows()],
            "dropped": [{"path": one.path, "origin": str(one.origin), "because": one.because} for one in recipe.dropped],
            "shadows": list(recipe.shadows),
            "migrations": list(recipe.migrations),
        }
        return cast("dict[str, Plain]", json.loads(mask(json.dumps(found, ensure_ascii=False))))

    def lines(self) -> list[str]:
        """As YAML with the origin of each value behind it, secrets masked."""
        body = list(_lines(self.node, 0)) if list(self.node.children()) else [_commented(_value(self.node), self.node)]
        tail = [f"# {line}" for line in self.recipe.shadows] + [f"# migrated: {line}" for line in self.recipe.migrations]
        tail += [f"# dropped: {one}" for one in self.recipe.dropped]
        return [mask(line) for line in (*body, *tail)]


def show(recipe: Recipe, key: str = "") -> View:
    """The whole recipe, or what is at one key ("trainer.max_epochs"), defaults of components included. Raises RecipeError for a key that is not there."""
    root = _with_defaults(recipe)
    node = root.find(tuple(key.split("."))) if key else root
    if node is None:
        known = [".".join(path) for path, _ in root.walk() if path]
        raise RecipeError(f"{recipe.name} has no key {key}", hint=nearest(key, known))
    return View(recipe, key, node)


def _with_defaults(recipe: Recipe) -> Node:
    root = recipe.root
    for where, component in recipe.components():
        section, _, entry = where.partition(".")
        path = tuple(where.split("."))
        written = root.find(path)
        if written is None:
            continue  # a stage without settings
        name = recipe.uses[section]
        option = str(name if isinstance(name, str) else name[entry])
        origin = Origin(f"default of {recipe.providers.get(where, 'mlforge')} {option}")
        defaults = json.loads(component.model_dump_json())
        missing = {key: from_plain(value, origin) for key, value in defaults.items() if key not in written.items}
        root = root.updated(path, Node(missing, origin)) if missing else root
    return root


def _lines(node: Node, depth: int) -> Iterator[str]:
    for name, child in node.children():
        head = "  " * depth + (f"{name}:" if isinstance(node.value, Mapping) else "-")
        flow = _value(child)
        if list(child.children()) and (len(flow) > _WIDEST or _mixed(child)):
            yield head
            yield from _lines(child, depth + 1)
        else:
            yield _commented(f"{head} {flow}", child)


def _mixed(node: Node) -> bool:
    """Do its values come from different places, so that each needs a line of its own."""
    leaves = [below for path, below in node.walk() if path]
    return any(below.displaced for below in leaves) or len({(below.place.source, below.place.line) for below in leaves}) > 1


def _commented(text: str, node: Node) -> str:
    leaves = [below for _, below in node.walk() if not list(below.children())]
    place = leaves[0].place if leaves and leaves[0] is not node and node.place.line is None else node.place
    instead = "".join(f"; instead of {_value(old)} ({old.place})" for old in node.displaced if old.value not in ("???", node.value))
    return f"{text:<{_COMMENT}}  # {place}{instead}"


def _value(node: Node) -> str:
    if isinstance(node.value, Mapping):
        return "{" + ", ".join(f"{name}: {_value(child)}" for name, child in node.value.items()) + "}"
    if isinstance(node.value, tuple):
        return "[" + ", ".join(_value(child) for child in node.value) + "]"
    if isinstance(node.value, str):
        return node.value if _PLAIN.fullmatch(node.value) and isinstance(scalar(node.value), str) else json.dumps(node.value, ensure_ascii=False)
    return json.dumps(node.value)
