"""Configuration that remembers where each value came from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias, TypeGuard

from mlforge.errors import COMMAND_LINE, Origin

__all__ = ["Node", "Plain", "Scalar", "from_plain", "is_map"]

Scalar: TypeAlias = str | int | float | bool | None
Plain: TypeAlias = Scalar | list["Plain"] | dict[str, "Plain"]
Content: TypeAlias = "Scalar | tuple[Node, ...] | Mapping[str, Node]"


@dataclass(frozen=True, slots=True)
class Node:
    """A value, where it stands, and what it displaced (the latest first)."""

    value: Content
    origin: Origin
    key: Origin | None = None  # where its key stands, for a value of a map
    displaced: tuple[Node, ...] = ()

    @property
    def place(self) -> Origin:
        """Where to point a reader: at the key where there is one."""
        return self.key or self.origin

    @property
    def items(self) -> Mapping[str, Node]:
        """The entries of a map; of anything else none."""
        return self.value if isinstance(self.value, Mapping) else {}

    def plain(self) -> Plain:
        """The value alone."""
        if isinstance(self.value, Mapping):
            return {name: child.plain() for name, child in self.value.items()}
        if isinstance(self.value, tuple):
            return [child.plain() for child in self.value]
        return self.value

    def children(self) -> Iterator[tuple[str, Node]]:
        """Entries of a map by key, and of a list by position."""
        if isinstance(self.value, Mapping):
            yield from self.value.items()
        elif isinstance(self.value, tuple):
            yield from ((str(index), child) for index, child in enumerate(self.value))

    def walk(self, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Node]]:
        """This node and everything below it, with paths, in written order."""
        yield path, self
        for name, child in self.children():
            yield from child.walk((*path, name))

    def find(self, path: tuple[str, ...]) -> Node | None:
        """The node at a path, or None."""
        node: Node | None = self
        for part in path:
            node = dict(node.children()).get(part) if node is not None else None
        return node

    def nearest(self, path: tuple[str, ...]) -> Node:
        """The node at a path, or the last one on the way to it."""
        node = self
        for part in path:
            below = dict(node.children()).get(part)
            if below is None:
                return node
            node = below
        return node

    def with_items(self, items: Mapping[str, Node]) -> Node:
        """The same map with other entries."""
        return replace(self, value=dict(items))

    def without(self, *names: str) -> Node:
        """The same map without some entries."""
        return self.with_items({name: child for name, child in self.items.items() if name not in names})

    def mapped(self, change: Callable[[Node], Node]) -> Node:
        """The same tree with every scalar changed."""
        if isinstance(self.value, Mapping):
            return replace(self, value={name: child.mapped(change) for name, child in self.value.items()})
        if isinstance(self.value, tuple):
            return replace(self, value=tuple(child.mapped(change) for child in self.value))
        return change(self)

    def merged(self, over: Node) -> Node:
        """This node with another laid over it: maps merge, lists and scalars replace."""
        if isinstance(self.value, Mapping) and isinstance(over.value, Mapping):
            entries = dict(self.value)
            for name, child in over.value.items():
                entries[name] = entries[name].merged(child) if name in entries else child
            return replace(over, value=entries, key=over.key or self.key, displaced=self.displaced)  # whoever touched it last
        return replace(over, displaced=(*over.displaced, self, *self.displaced))

    def updated(self, path: tuple[str, ...], over: Node) -> Node:
        """This node with another laid over what is at a path; maps on the way are made."""
        if not path:
            return self.merged(over)
        name, rest = path[0], path[1:]
        if isinstance(self.value, tuple) and name.isdigit() and int(name) < len(self.value):
            index = int(name)
            return replace(self, value=(*self.value[:index], self.value[index].updated(rest, over), *self.value[index + 1 :]))
        below = self.items.get(name)
        made = below.updated(rest, over) if below is not None else _at(rest, over)
        return replace(self, value={**self.items, name: made})

    def removed(self, path: tuple[str, ...]) -> Node:
        """This node without what is at a path."""
        name, rest = path[0], path[1:]
        if not rest:
            return self.without(name)
        return self.with_items({**self.items, name: self.items[name].removed(rest)}) if name in self.items else self


def _at(path: tuple[str, ...], node: Node) -> Node:
    for name in reversed(path):
        node = Node({name: node}, node.origin, node.key)
    return node


def from_plain(value: object, origin: Origin = COMMAND_LINE) -> Node:
    """Plain data as nodes that all have one origin."""
    if isinstance(value, Mapping):
        return Node({str(name): from_plain(child, origin) for name, child in value.items()}, origin)
    if isinstance(value, list | tuple):
        return Node(tuple(from_plain(child, origin) for child in value), origin)
    if value is None or isinstance(value, str | int | float | bool):
        return Node(value, origin)
    return Node(str(value), origin)


def is_map(node: Node | None) -> TypeGuard[Node]:
    """Is there a node, and is it a map."""
    return node is not None and isinstance(node.value, Mapping)
