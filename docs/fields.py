"""The fields of a pydantic model as a person reads them: type, bounds, default, description."""

from __future__ import annotations

import json
import types
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from mlforge.components import Holds, Reads
from mlforge.units import Duration, Share

__all__ = ["defaults", "described", "fields", "nested", "parts"]

_PLAIN = {int: "integer", float: "number", str: "text", bool: "true or false", type(None): "null", Any: "any value", datetime: "date and time", date: "date"}
_UNITS = {get_args(Duration)[1:]: "duration", get_args(Share)[1:]: "share"}  # by what marks them
_BOUNDS = {
    "ge": "≥ {}", "gt": "> {}", "le": "≤ {}", "lt": "< {}", "multiple_of": "a multiple of {}",
    "min_length": "length ≥ {}", "max_length": "length ≤ {}", "pattern": "matching `{}`",
}  # fmt: skip


def fields(kind: type[BaseModel]) -> Mapping[str, FieldInfo]:
    """The keys that a recipe may write."""
    return kind.model_fields


def described(kind: type[BaseModel]) -> list[tuple[str, ...]]:
    """One row a field: key, type with bounds, default, what it is."""
    return [(f"`{name}`", _typed(info), _default(info), info.description or "") for name, info in fields(kind).items()]


def defaults(kind: type[BaseModel]) -> dict[str, str]:
    """The defaults as a recipe writes them, of the fields that have one."""
    return {name: _written(info.get_default(call_default_factory=True)) for name, info in fields(kind).items() if not info.is_required()}


def nested(kind: type[BaseModel]) -> list[type[BaseModel]]:
    """The models that appear in the types of its fields, each once, those inside them too."""
    found: dict[type[BaseModel], None] = {}
    for info in fields(kind).values():
        for model in _models(info.annotation):
            found |= dict.fromkeys([model, *nested(model)])
    return list(found)


def parts(kind: type[BaseModel], path: str = "") -> Iterator[tuple[str, type[BaseModel]]]:
    """The models in the types of its fields, by the path under which a recipe writes them: `serve.log`, `rollout.fallback.rules.NAME`."""
    for name, info in fields(kind).items():
        for model in _models(info.annotation):
            below = f"{path}{name}" + (".NAME" if _mapped(info.annotation) else "")
            yield below, model
            yield from parts(model, f"{below}.")


def _mapped(annotation: Any) -> bool:
    """Is it a map, or one of several types that is."""
    origin = get_origin(annotation)
    return (isinstance(origin, type) and issubclass(origin, Mapping)) or (
        origin in (Union, types.UnionType, Annotated) and any(map(_mapped, get_args(annotation)))
    )


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    if get_origin(annotation) is Annotated and any(isinstance(mark, Holds) for mark in get_args(annotation)):
        return  # a component has a section of its own
    for part in get_args(annotation):
        if not isinstance(part, str):
            yield from _models(part)


def _typed(info: FieldInfo) -> str:
    return ", ".join([_type(info.annotation, tuple(info.metadata)), *_bounds(info.metadata)])


def _type(annotation: Any, marks: tuple[Any, ...] = ()) -> str:
    for signs, name in _UNITS.items():
        if signs[0] in marks:
            return name
    if any(isinstance(mark, Reads) for mark in marks):
        return "path"
    if held := [mark for mark in marks if isinstance(mark, Holds)]:
        return f"component of `{held[0].section}`"
    if annotation in _PLAIN:
        return _PLAIN[annotation]
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return ", ".join([_type(parts[0], parts[1:]), *_bounds(parts[1:])])
    if origin in (Union, types.UnionType):
        return " or ".join(_type(part) for part in parts)
    if origin is Literal:
        return " or ".join(f"`{_written(part)}`" for part in parts)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return f"`{annotation.__name__}`"
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return f"map of {_type(parts[1])}"
    return f"list of {_type(parts[0])}" if parts else "any value"  # JsonValue


def _bounds(marks: Any) -> Iterator[str]:
    """The bounds, but for those that a unit implies."""
    flat = [mark for mark in _flat(marks) if not any(signs[0] in marks and mark in _flat(signs) for signs in _UNITS)]
    for mark in flat:
        yield from (text.format(bound) for key, text in _BOUNDS.items() if (bound := getattr(mark, key, None)) is not None)


def _flat(marks: Any) -> list[Any]:
    return [inner for mark in marks for inner in (mark.metadata if isinstance(mark, FieldInfo) else [mark])]


def _default(info: FieldInfo) -> str:
    return "required" if info.is_required() else f"`{_written(info.get_default(call_default_factory=True))}`"


def _written(value: Any) -> str:
    """A value as YAML's flow style writes it."""
    if isinstance(value, BaseModel):
        return _written(value.model_dump(mode="json"))
    if isinstance(value, str):
        return value if value.replace("_", "").replace("-", "").isalnum() else json.dumps(value, ensure_ascii=False)
    if isinstance(value, tuple | list):
        return "[" + ", ".join(map(_written, value)) + "]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_written(item)}" for key, item in value.items()) + "}"
    return json.dumps(value)
