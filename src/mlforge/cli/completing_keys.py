"""What an override may become: `trainer.ma` → `trainer.max_epochs=`, `model=` → its options. Hydra is not asked; nothing is composed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from mlforge.cli.completing import Answer
from mlforge.cli.workplace import Workplace
from mlforge.errors import MlforgeError
from mlforge.recipe.header import HEADER, Header
from mlforge.recipe.library import PRIMARY, Library
from mlforge.recipe.lineage import Lineage, Use, address
from mlforge.recipe.typed import models_in
from mlforge.sections import SECTIONS
from mlforge.task import TASKS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mlforge.components import Component

__all__ = ["overrides"]

_CHOICE = re.compile(r"\+?(\w+)=\[?([\w,]+)\]?")


def overrides(place: Workplace, recipe: str, typed: Sequence[str], current: str) -> Iterable[Answer]:
    """The answers for an override that is being typed after a recipe and other overrides."""
    from pathlib import Path

    path = Path(recipe)
    library = Library(place.project, place.catalog, path if path.suffix in (".yaml", ".yml") else None)
    lineage = Lineage(library, PRIMARY if library.primary else recipe)
    uses = _chosen(library, lineage.uses(lineage.root), typed)
    sign = current[:1] if current[:1] in "+~" else ""
    key, given, value = current.removeprefix(sign).partition("=")
    if given:
        return [(f"{sign}{key}={one}", line) for one, line in _values(place, library, lineage, uses, key, value)]
    return [(f"{sign}{one}", line) for one, line in _keys(place, lineage, uses, key)]


def _chosen(library: Library, uses: Mapping[str, Use], typed: Iterable[str]) -> dict[str, Use]:
    """What is used after the options that were typed already."""
    found = dict(uses)
    for word in typed:
        said = _CHOICE.fullmatch(word)
        if said and said[1] in SECTIONS:
            found = {where: use for where, use in found.items() if where.partition(".")[0] != said[1]}
            for option in said[2].split(","):
                from mlforge.errors import COMMAND_LINE

                found[address(said[1], option)] = Use(library.component(said[1], option), option, COMMAND_LINE)
    return found


def _keys(place: Workplace, lineage: Lineage, uses: Mapping[str, Use], key: str) -> Iterator[Answer]:
    head, dot, _ = key.partition(".")
    if not dot:
        yield from ((f"{section.name}=", section.what) for section in SECTIONS.values())
        yield from ((f"{section.name}.", section.what) for section in SECTIONS.values() if any(where.partition(".")[0] == section.name for where in uses))
        yield from ((f"{name}{'.' if name == 'contract' else '='}", Header.model_fields[name].description or "") for name in HEADER)
        return
    if head == "contract":
        yield from _contract(lineage, key)
        return
    parts = key.split(".")
    depth = 2 if head in SECTIONS and SECTIONS[head].plural else 1
    if depth == 2 and len(parts) == 2:
        yield from ((f"{where}.", use.option) for where, use in uses.items() if where.partition(".")[0] == head)
    elif (kind := _kind(place, uses, parts[:depth])) is not None:
        yield from _fields(kind, tuple(parts[depth:-1]), ".".join(parts[:-1]))


def _contract(lineage: Lineage, key: str) -> Iterator[Answer]:
    from mlforge.contract import Column, Contract

    parts = key.split(".")
    if len(parts) == 3 and parts[1] == "columns":
        columns: dict[str, None] = {}
        for document in lineage.documents():
            found = document.body.find(("contract", "columns"))
            columns |= dict.fromkeys(found.items if found is not None else ())
        yield from ((f"contract.columns.{column}.", "column") for column in columns)
    elif len(parts) == 4 and parts[1] == "columns":
        yield from _fields(Column, (), ".".join(parts[:-1]))
    elif len(parts) == 2:
        yield from _fields(Contract, (), "contract")


def _fields(kind: Any, path: tuple[str, ...], prefix: str) -> Iterator[Answer]:
    for model in models_in(kind, path):
        for name, info in model.model_fields.items():
            deeper = bool(models_in(info.annotation, ("_",)) or models_in(info.annotation, ()))
            yield f"{prefix}.{name}{'.' if deeper else '='}", info.description or ""


def _kind(place: Workplace, uses: Mapping[str, Use], where: Sequence[str]) -> type[Component] | None:
    use = uses.get(".".join(where))
    if use is None or use.component is None:
        return None
    try:
        return place.catalog.load(where[0], use.component)
    except MlforgeError:
        return None


def _values(place: Workplace, library: Library, lineage: Lineage, uses: Mapping[str, Use], key: str, value: str) -> Iterator[Answer]:
    parts = key.split(".")
    if key in SECTIONS:
        begun = value[: max(value.rfind("["), value.rfind(",")) + 1]
        for option in library.options(key):
            provided = place.catalog.options(key).get(option)
            yield f"{begun}{option}", f"{provided.plugin} {provided.version}" if provided else "preset"
    elif key == "task":
        yield from ((name, "") for name in TASKS)
    elif parts[0] == "contract" and len(parts) == 4:
        from mlforge.contract import DTYPES, Column

        yield from ((name, "") for name in DTYPES) if parts[3] == "dtype" else _choices(Column, (parts[3],))
    elif parts[0] in SECTIONS:
        depth = 2 if SECTIONS[parts[0]].plural else 1
        kind = _kind(place, uses, parts[:depth])
        if kind is not None:
            yield from _choices(kind, tuple(parts[depth:]))


def _choices(kind: Any, path: tuple[str, ...]) -> Iterator[Answer]:
    """The values that a field may have, where they are few."""
    for model in models_in(kind, path[:-1]):
        info = model.model_fields.get(path[-1]) if path else None
        if info is not None:
            yield from ((text, "") for text in _literals(info.annotation))
            if info.default is not None and isinstance(info.default, (int, float, str)) and not isinstance(info.default, bool) and info.default != "":
                yield str(info.default), "default"


def _literals(annotation: Any) -> Iterator[str]:
    if annotation is bool:
        yield from ("true", "false")
    elif get_origin(annotation) is Literal:
        yield from map(str, get_args(annotation))
    elif annotation is type(None):
        yield "null"
    else:
        for part in get_args(annotation):
            if get_origin(annotation) not in (tuple, list, dict):
                yield from _literals(part)
