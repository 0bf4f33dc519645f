"""A stage's key: everything that decides its outputs, by name, so that a plan can say which part changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from mlforge.components import Component, Stage, reads_of
from mlforge.components import parts_of as within
from mlforge.lifecycle.code import CodeIndex
from mlforge.recipe import Recipe
from mlforge.secrets import digest

__all__ = ["changes", "key_of", "parts_of", "settings"]


def key_of(parts: Mapping[str, str]) -> str:
    """The key of these parts."""
    return hashlib.sha256(json.dumps(dict(parts), sort_keys=True).encode()).hexdigest()


def parts_of(
    name: str, stage: Stage, recipe: Recipe, inputs: Mapping[str, str], external: Mapping[str, str], code: CodeIndex, salt: Path, *, smoke: bool
) -> dict[str, str]:
    """What decides the outputs of a stage: settings, inputs, outside facts, code and libraries."""
    parts = {f"input {port}": digest for port, digest in inputs.items()}
    parts |= {f"outside {what}": value for what, value in external.items()}
    parts |= dict(_settings_of_stage(stage, recipe, salt))
    components = [(name, stage), *_with_parts(_components(stage, recipe))]
    for where, component in components:
        parts[f"code of {where}"] = code.digest(type(component).__module__)
        for library in component.libraries:
            parts[f"version of {library}"] = _version(library)
    if smoke:
        parts["smoke"] = "yes"
    return parts


def changes(now: Mapping[str, str], before: Mapping[str, str]) -> list[str]:
    """What differs between two keys, as a plan prints it: "trainer.max_epochs 20 → 40", "code of model", "new: seed"."""
    told = []
    for name in sorted(now.keys() | before.keys(), key=_importance):
        old, new = before.get(name), now.get(name)
        if old == new:
            continue
        if name.startswith(("input ", "code of ", "outside ")):
            told.append(f"{name} changed")
        elif old is None or new is None:
            told.append(f"{name} {new} is new" if old is None else f"{name} is gone")
        else:
            told.append(f"{name} {old} → {new}")
    return told


def settings(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """The leaves of plain data, with their paths."""
    if isinstance(value, Mapping):
        if not value:
            yield path, "{}"
        for key, below in value.items():
            yield from settings(below, f"{path}.{key}" if path else str(key))
    else:
        yield path, json.dumps(value, ensure_ascii=False) if isinstance(value, list) else str(value)


def _importance(name: str) -> tuple[int, str]:
    order = ("input ", "outside ", "code of ", "version of ")
    return (next((i + 1 for i, prefix in enumerate(order) if name.startswith(prefix)), 0), name)


def _settings_of_stage(stage: Stage, recipe: Recipe, salt: Path) -> Iterator[tuple[str, str]]:
    for section in dict.fromkeys((*stage.needs, *stage.reads)):
        if section == "seed":
            yield "seed", str(recipe.seed)
        elif section == "task":
            yield "task", recipe.task.name
        elif section == "contract" and (contract := recipe.contract if "privacy" in stage.reads else recipe.kept) is not None:
            yield from settings(contract.model_dump(mode="json", exclude_none=True), "contract")
        elif section == "compress":
            yield from settings(recipe.compress.model_dump(mode="json") if recipe.compress else {}, "compress")
        elif isinstance(given := recipe.sections.get(section), Mapping):
            yield section, ", ".join(given)  # the order of entries counts: the first exporter ships
    for where, component in _components(stage, recipe):
        plain = _plain_at(recipe.plain, where)
        yield f"{where}.use", f"{type(component).__module__}:{type(component).__qualname__}"
        fields = component.model_dump(mode="json", exclude={*reads_of(component), *component.aside})
        for name, value in fields.items():
            written = plain.get(name) if isinstance(plain, Mapping) else None
            if "${oc.env:" in json.dumps(written, default=str):  # what is read from the environment counts by name and digest
                yield f"{where}.{name}", f"{written} ({digest(json.dumps(value), salt)})"
            else:
                yield from settings(value, f"{where}.{name}")


def _components(stage: Stage, recipe: Recipe) -> Iterator[tuple[str, Component]]:
    for section in dict.fromkeys((*stage.needs, *stage.reads)):
        given = recipe.sections.get(section)
        if isinstance(given, Component):
            yield section, given
        elif isinstance(given, Mapping):
            yield from ((f"{section}.{entry}", component) for entry, component in given.items())


def _with_parts(components: Iterable[tuple[str, Component]]) -> Iterator[tuple[str, Component]]:
    for where, component in components:
        yield where, component
        yield from _with_parts((f"{where}.{place}", part) for place, part in within(component).items())


def _plain_at(plain: Mapping[str, Any], where: str) -> Any:
    value: Any = plain
    for part in where.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


@cache
def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return "missing"
