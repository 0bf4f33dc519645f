"""pydantic's errors in plain sentences."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from mlforge.errors import nearest

__all__ = ["TYPES", "few", "sentence", "shown"]

TYPES = {
    "int": "an integer", "float": "a number", "finite_number": "a finite number", "bool": "true or false", "string": "a text", "list": "a list",
    "tuple": "a list", "dict": "a map", "mapping": "a map", "model": "a map", "dataclass": "a map", "set": "a list", "frozen_set": "a list",
    "model_attributes": "a map", "datetime": "a date and time", "date": "a date", "path": "a path", "url": "a URL", "decimal": "a number", "none": "null",
    "none_required": "null",
}  # fmt: skip

_BOUNDS = {
    "greater_than": ("gt", "is not greater than {}", "a number greater than {}"),
    "greater_than_equal": ("ge", "is less than {}", "a number of at least {}"),
    "less_than": ("lt", "is not less than {}", "a number less than {}"),
    "less_than_equal": ("le", "is greater than {}", "a number of at most {}"),
    "multiple_of": ("multiple_of", "is not a multiple of {}", "a multiple of {}"),
}
_LENGTHS = {
    "too_short": ("min_length", "has {actual_length} of at least {} entries"),
    "too_long": ("max_length", "has {actual_length} of at most {} entries"),
    "string_too_short": ("min_length", "is shorter than {} characters"),
    "string_too_long": ("max_length", "is longer than {} characters"),
}


def few(names: Iterable[str], most: int = 12) -> str:
    """The first of some names."""
    listed = list(names)
    return ", ".join(listed[:most]) + (" …" if len(listed) > most else "")


def shown(value: Any) -> str:
    """A value as a person would write it, shortened."""
    text = f"'{value}'" if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:57] + "…" + ("'" if isinstance(value, str) else "")


def sentence(error: Mapping[str, Any], value: Any) -> tuple[str, str, str]:
    """What was found, what was expected, and a hint, for one error and the value that the recipe has there."""
    kind = str(error["type"])
    context: Mapping[str, Any] = error.get("ctx", {})
    if kind in _BOUNDS:
        name, found, expected = _BOUNDS[kind]
        bound = _number(context.get(name))
        return f"{shown(value)} {found.format(bound)}", expected.format(bound), ""
    if kind in _LENGTHS:
        name, found = _LENGTHS[kind]
        return f"{shown(value)} {found.format(context.get(name), actual_length=context.get('actual_length'))}", "", ""
    if kind in ("literal_error", "enum"):
        return _choice(value, str(context.get("expected", "")))
    if kind == "string_pattern_mismatch":
        return f"{shown(value)} does not match {context.get('pattern')}", "", ""
    if kind in ("value_error", "assertion_error"):
        return str(error["msg"]).removeprefix("Value error, ").removeprefix("Assertion failed, "), "", ""
    for ending in ("_type", "_parsing", "_from_float"):
        base = kind.removesuffix(ending)
        if base != kind and base in TYPES:
            return _type(value, TYPES[base])
    return (_type(value, TYPES[kind])) if kind in TYPES else (f"{shown(value)}: {str(error['msg'])[:1].lower()}{str(error['msg'])[1:]}", "", "")


def _type(value: Any, wanted: str) -> tuple[str, str, str]:
    if value is None:
        return f"null is not {wanted}", "", ""
    hint = f"Put it in quotes: '{shown(value)}'." if wanted == "a text" and not isinstance(value, dict | list) else ""
    return f"{shown(value)} is not {wanted}", "", hint


def _choice(value: Any, expected: str) -> tuple[str, str, str]:
    names = [name.strip().strip("'") for part in expected.split(" or ") for name in part.split(",")]
    hint = nearest(value, names) if isinstance(value, str) else ""
    return f"{shown(value)} is not allowed", f"one of {', '.join(names)}", hint


def _number(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
