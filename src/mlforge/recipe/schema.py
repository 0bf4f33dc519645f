"""A JSON Schema with which an editor completes and checks recipes, made from the components themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlforge.components import Component, summary
from mlforge.errors import MlforgeError
from mlforge.recipe.header import Header
from mlforge.recipe.library import Library
from mlforge.recipe.migrate import VERSION
from mlforge.sections import TOP, Section
from mlforge.task import TASKS

if TYPE_CHECKING:
    from mlforge.plugins import Catalog
    from mlforge.project import Project

__all__ = ["json_schema"]

Schema = dict[str, Any]

_INTERPOLATION: Schema = {"type": "string", "pattern": r"^(\?\?\?|.*\$\{.+\}.*)$"}
"""What may stand for any value: one that is still missing, or one that is taken from elsewhere."""


def json_schema(project: Project, catalog: Catalog) -> Schema:
    """The schema of all recipes that can be written with this project's plugins. Imports every component that can be imported."""
    library = Library(project, catalog)
    definitions: Schema = {}
    header = _header(definitions)
    sections = {section.name: _section(section, library, definitions) for section in TOP.values()}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "mlforge recipe",
        "type": "object",
        "properties": {"mlforge": {"const": VERSION, "description": "version of the recipe language"}, "defaults": _defaults(library), **header, **sections},
        "required": ["mlforge"],
        "additionalProperties": False,
        "$defs": definitions,
    }


def _header(definitions: Schema) -> Schema:
    made = Header.model_json_schema(ref_template="#/$defs/{model}", mode="validation")
    definitions.update({name: _open(one) for name, one in made.pop("$defs", {}).items()})
    properties = {name: _loose(one) for name, one in made["properties"].items()}
    properties["task"] = {**properties["task"], "anyOf": [{"enum": list(TASKS)}, _INTERPOLATION]}
    return properties


def _section(section: Section, library: Library, definitions: Schema) -> Schema:
    variants = [one for option in library.catalog.options(section.name) if (one := _component(section.name, option, library.catalog, definitions)) is not None]
    loose = _any_of_them(section.name, variants, library.catalog)
    if not section.plural:
        return {"description": section.what, "anyOf": [loose, {"type": "null"}]}
    return {
        "description": section.what,
        "anyOf": [{"type": "object", "additionalProperties": {"anyOf": [loose, {"type": "null"}]}}, {"type": "null"}],
    }


def _component(section: str, option: str, catalog: Catalog, definitions: Schema) -> tuple[str, Schema, type[Component]] | None:
    try:
        kind = catalog.load(section, option)
    except MlforgeError:
        return None  # a broken plugin is listed by `mlforge plugins`
    made = kind.model_json_schema(ref_template="#/$defs/{model}", mode="validation")
    definitions.update({name: _open(one) for name, one in made.pop("$defs", {}).items()})
    properties = {name: _loose(one) for name, one in made.get("properties", {}).items()}
    return option, properties, kind


def _any_of_them(section: str, variants: list[tuple[str, Schema, type[Component]]], catalog: Catalog) -> Schema:
    """The keys of an address: with `use` those of that component; without, those of any, for the defaults list decides."""
    names = [option for option, _, _ in variants]
    descriptions = "; ".join(f"{option}: {summary(kind)}" for option, _, kind in variants)
    together: dict[str, list[Schema]] = {}
    for _, properties, _ in variants:
        for key, one in properties.items():
            if one not in together.setdefault(key, []):
                together[key].append(one)
    every = {key: ones[0] if len(ones) == 1 else {"anyOf": ones} for key, ones in together.items()}
    rules = [_rule(option, properties) for option, properties, _ in variants]
    use = {"enum": names, "description": f"which component: {descriptions}"}
    return {"type": "object", "properties": {"use": use, **every}, "additionalProperties": False, **({"allOf": rules} if rules else {})}


def _rule(option: str, properties: Schema) -> Schema:
    keys = dict.fromkeys(["use", *properties], True)
    return {"if": {"properties": {"use": {"const": option}}, "required": ["use"]}, "then": {"properties": keys, "additionalProperties": False}}


def _loose(schema: Schema) -> Schema:
    """A value as a recipe may write it: also `???`, or with an interpolation."""
    inner = _open(schema)
    kept: Schema = {key: inner.pop(key) for key in ("description", "default", "title") if key in inner}
    return {**kept, "anyOf": [inner, _INTERPOLATION]}


def _open(schema: Schema) -> Schema:
    """The same, with loose values in it, and null for entries that a child recipe deletes."""
    made = {key: value for key, value in schema.items() if key not in ("required", "title")}
    if isinstance(made.get("properties"), dict):
        made["properties"] = {key: _loose(one) for key, one in made["properties"].items()}
    if isinstance(made.get("additionalProperties"), dict):
        made["additionalProperties"] = {"anyOf": [_open(made["additionalProperties"]), {"type": "null"}]}
    return made


def _defaults(library: Library) -> Schema:
    choices: Schema = {}
    for section in TOP.values():
        options = library.options(section.name)
        several = {"anyOf": [{"enum": options}, {"type": "array", "items": {"enum": options}, "uniqueItems": True}, {"type": "null"}]}
        one: Schema = several if section.plural else {"enum": [*options, None]}
        choices[section.name] = choices[f"override {section.name}"] = {"description": section.what, **one}
    return {
        "description": "what the recipe builds on, and the options of its sections",
        "type": "array",
        "items": {
            "anyOf": [
                {"enum": ["_self_", *library.recipes()]},
                {"type": "object", "properties": choices, "additionalProperties": False, "minProperties": 1},
            ]
        },
    }
