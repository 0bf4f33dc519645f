"""The marks on a component's fields, also within `Variable | None` and `tuple[InputPath, ...]`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Any, get_args, get_origin

from mlforge.components import Component

__all__ = ["marked"]


def marked(component: Component, mark: type) -> list[str]:
    """Fields with a mark, also as `Variable | None`."""
    return [name for name, field in type(component).model_fields.items() if any(isinstance(one, mark) for one in _marks(field.annotation, field.metadata))]


def _marks(annotation: Any, metadata: Iterable[Any] = ()) -> Iterator[Any]:
    yield from metadata
    inner = get_args(annotation)
    if get_origin(annotation) is Annotated:
        yield from inner[1:]
    for part in inner:
        yield from _marks(part)
