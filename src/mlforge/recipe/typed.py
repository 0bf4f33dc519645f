"""From plain data to frozen, typed things; everything that does not fit becomes a problem with its place."""

from __future__ import annotations

import json
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, Union, get_args, get_origin

from mlforge.errors import Problem, nearest
from mlforge.recipe.node import Node, Plain
from mlforge.recipe.words import TYPES, sentence
from mlforge.recipe.yaml import scalar
from mlforge.secrets import mask

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = ["made", "models_in", "pruned"]

M = TypeVar("M", bound="BaseModel")
Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Fault:
    """One error of pydantic's, and where it lies in the recipe."""

    path: Path
    error: Mapping[str, Any]
    unknown: str = ""  # the key that is not known


def made(
    kind: type[M], node: Node, where: str, owner: str, secret: frozenset[Path] = frozenset(), within: Mapping[str, object] | None = None
) -> tuple[M | None, list[Problem]]:
    """An instance of a pydantic model, or the problems.

    `secret` are paths of values that came from the environment, as text; `within` are components by the name that stands in their place.
    """
    from pydantic import ValidationError

    plain = node.plain()
    for _ in range(2):
        try:
            return kind.model_validate_json(_json(plain), strict=True, context=within), []
        except ValidationError as error:
            faults = [_fault(node, one) for one in error.errors(include_url=False)]
            wrong = [fault.path for fault in faults if fault.path in secret and isinstance(_value(plain, fault.path), str)]
            if not wrong:
                return None, list(_problems(kind, node, where, owner, faults))
            for path in wrong:  # a variable's text may stand for a number
                plain = _read_as_scalar(plain, path)
            secret = frozenset()
    return None, list(_problems(kind, node, where, owner, faults))


def pruned(kind: type[BaseModel], node: Node) -> Node:
    """The node without entries that were deleted with null: those of the model's maps of entries."""
    entries = dict(node.items)
    for name, child in node.items.items():
        info = kind.model_fields.get(name)
        if info is not None and isinstance(child.value, Mapping) and _is_entries(info.annotation):
            entries[name] = child.with_items({key: item for key, item in child.items.items() if item.value is not None})
    return node.with_items(entries)


def _is_entries(annotation: Any) -> bool:
    if get_origin(annotation) is Annotated:
        return _is_entries(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return any(_is_entries(part) for part in get_args(annotation))
    origin = get_origin(annotation)
    return isinstance(origin, type) and issubclass(origin, Mapping) and type(None) not in get_args(get_args(annotation)[1])


def _json(plain: Plain) -> str:
    return json.dumps(plain, ensure_ascii=True, allow_nan=True)


def _fault(node: Node, error: Mapping[str, Any]) -> _Fault:
    path: Path = ()
    here = node
    names = [str(part) for part in error["loc"]]
    for position, name in enumerate(names):
        below = dict(here.children()).get(name)
        if below is not None:
            path, here = (*path, name), below
        elif error["type"] == "missing" and position == len(names) - 1:
            return _Fault((*path, name), error)
    return _Fault(path, error, names[-1] if error["type"] == "extra_forbidden" else "")


def _problems(kind: type[BaseModel], node: Node, where: str, owner: str, faults: list[_Fault]) -> Iterator[Problem]:
    """One problem a place: the members of a union all complain about the same value."""
    places: dict[Path, list[_Fault]] = {}
    for fault in faults:
        places.setdefault(fault.path, []).append(fault)
    deeper = {path[:depth] for path in places for depth in range(len(path))}
    for path, group in places.items():
        if path in deeper and len(group) > 1 and path:
            continue  # another member of the union got further, and says more
        yield _problem(kind, node, where, owner, path, group)


def _problem(kind: type[BaseModel], node: Node, where: str, owner: str, path: Path, group: list[_Fault]) -> Problem:
    here = node.nearest(path)
    address = ".".join((where, *path)) if where else ".".join(path)
    first = group[0]
    if first.unknown:
        return _unknown(kind, path, address, owner, here)
    if first.error["type"] == "missing":
        what = _description(kind, path)
        return Problem(address, "missing", here.place, what, f"Write it in the recipe, or on the command line: {address}=…")
    found, expected, hint = sentence(first.error, here.plain())
    if len(group) > 1:
        wanted = list(dict.fromkeys(name for fault in group if (name := _wanted(fault.error))))
        if len(wanted) > 1:
            found, expected, hint = found.split(" is not ")[0] + " does not fit", " or ".join(wanted), ""
    return Problem(address, mask(found), here.origin if path else here.place, expected, mask(hint))


def _wanted(error: Mapping[str, Any]) -> str:
    kind = str(error["type"])
    return next((TYPES[base] for ending in ("_type", "_parsing", "_from_float") if (base := kind.removesuffix(ending)) != kind and base in TYPES), "")


def _unknown(kind: type[BaseModel], path: Path, address: str, owner: str, here: Node) -> Problem:
    parents = models_in(kind, path[:-1])
    names = list(dict.fromkeys(name for model in parents for name in model.model_fields))
    there = (
        f"{owner if len(path) == 1 else address.rpartition('.')[0]} has {', '.join(names[:12])}{' …' if len(names) > 12 else ''}"
        if names
        else f"{owner} has no keys"
    )
    return Problem(address, "unknown key", here.place, there, nearest(path[-1], names))


def _description(kind: type[BaseModel], path: Path) -> str:
    for model in models_in(kind, path[:-1]):
        if (info := model.model_fields.get(path[-1])) is not None:
            return info.description or ""
    return ""


def models_in(annotation: Any, path: Path) -> list[type[BaseModel]]:
    """The pydantic models that a value at a path below an annotation may be."""
    from pydantic import BaseModel

    if get_origin(annotation) is Annotated:
        return models_in(get_args(annotation)[0], path)
    if get_origin(annotation) in (Union, types.UnionType):
        return [model for part in get_args(annotation) for model in models_in(part, path)]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if not path:
            return [annotation]
        info = annotation.model_fields.get(path[0])
        return models_in(info.annotation, path[1:]) if info is not None else []
    arguments = [part for part in get_args(annotation) if part is not Ellipsis]
    return models_in(arguments[-1], path[1:]) if arguments and path else []


def _value(plain: Plain, path: Path) -> Plain:
    for name in path:
        plain = plain[int(name)] if isinstance(plain, list) else plain[name] if isinstance(plain, dict) else None
    return plain


def _read_as_scalar(plain: Plain, path: Path) -> Plain:
    if not path:
        return scalar(plain) if isinstance(plain, str) else plain
    if isinstance(plain, list):
        return [_read_as_scalar(item, path[1:]) if str(index) == path[0] else item for index, item in enumerate(plain)]
    if isinstance(plain, dict):
        return {name: _read_as_scalar(item, path[1:]) if name == path[0] else item for name, item in plain.items()}
    return plain
