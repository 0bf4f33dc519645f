"""Components within a component: which fields hold them, and how they stand in the recipe."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_origin

from mlforge.components import Holds
from mlforge.recipe.node import Node

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = ["parts"]


def parts(kind: type[BaseModel], node: Node) -> Iterator[tuple[tuple[str, str], str, Node]]:
    """The path, section and node of each component that stands within one of this kind."""
    for name, info in kind.model_fields.items():
        section, child = _section(info.annotation), node.items.get(name)
        if section is not None and child is not None:
            yield from (((name, entry), section, below) for entry, below in child.items.items())


def _section(annotation: Any) -> str | None:
    if get_origin(annotation) is Annotated:
        return next((mark.section for mark in get_args(annotation)[1:] if isinstance(mark, Holds)), None)
    return next((found for part in get_args(annotation) if (found := _section(part)) is not None), None)
