"""Keys that a recipe writes and that will go."""

from __future__ import annotations

from collections.abc import Iterator

from mlforge.components import Component, Deprecated
from mlforge.recipe.node import Node

__all__ = ["deprecated"]


def deprecated(kind: type[Component], node: Node) -> Iterator[str]:
    """A line for each key of a component that stands in the recipe and is marked `Deprecated`."""
    for name, info in kind.model_fields.items():
        for mark in info.metadata:
            if isinstance(mark, Deprecated) and name in node.items:
                instead = f": {mark.instead}" if mark.instead else ""
                yield f"{name} ({node.items[name].place}) is deprecated since {kind.__module__.partition('.')[0]} {mark.since}{instead}"
