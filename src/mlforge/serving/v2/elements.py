"""A tensor's `data` in JSON: flat or nested, read once by a decoder that knows the datatype."""

from __future__ import annotations

import re
from functools import cache
from itertools import chain
from typing import Any

import msgspec

from mlforge.serving.v2.datatypes import Datatype
from mlforge.serving.v2.malformed import Malformed

__all__ = ["elements"]

_AT = re.compile(r"(?P<what>.*?)(?: - at `\$(?P<place>[\[\]0-9.]*)`)?", re.DOTALL)
_FOUND = re.compile(r"got `(\w+)`")
_NAMES = {"str": "a string", "int": "a whole number", "float": "a number", "bool": "true or false", "null": "null", "object": "an object", "array": "an array"}
_OPEN = ord("[")


def elements(raw: msgspec.Raw, datatype: Datatype, shape: tuple[int, ...]) -> list[Any]:
    """The elements in row-major order, as many as the shape says; None where one is missing (null). Raises Malformed, naming the element."""
    depth = len(shape) if _nested(raw) else 1
    values = _read(raw, datatype, depth)
    return values if depth <= 1 else _flat(values, shape)


def _nested(raw: msgspec.Raw) -> bool:
    text = memoryview(raw)
    if len(text) < 2 or text[1] > 32:
        return len(text) > 1 and text[1] == _OPEN
    return bytes(text[1:]).lstrip()[:1] == b"["


def _read(raw: msgspec.Raw, datatype: Datatype, depth: int) -> list[Any]:
    try:
        return _decoder(datatype, depth, missing=False).decode(raw)
    except msgspec.ValidationError as error:
        if "got `null`" not in str(error):
            raise _told(error, datatype, depth) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Malformed("data is not UTF-8 JSON") from None
    try:
        return _decoder(datatype, depth, missing=True).decode(raw)
    except msgspec.ValidationError as error:
        raise _told(error, datatype, depth) from None


@cache
def _decoder(datatype: Datatype, depth: int, *, missing: bool) -> msgspec.json.Decoder[list[Any]]:
    kind: Any = datatype.element | None if missing else datatype.element
    for _ in range(max(1, depth)):
        kind = list[kind]
    return msgspec.json.Decoder(kind)


def _flat(values: list[Any], shape: tuple[int, ...]) -> list[Any]:
    """Nested lists as one, each of the length that the shape says."""
    for axis, size in enumerate(shape[:-1]):
        if (axis == 0 and len(values) != size) or not all(len(one) == shape[axis + 1] for one in values):
            raise Malformed(f"data is nested otherwise than shape {list(shape)} says")
        values = list(chain.from_iterable(values))
    return values


def _told(error: msgspec.ValidationError, datatype: Datatype, depth: int) -> Malformed:
    found = _AT.fullmatch(str(error))
    place = (found["place"] if found else None) or ""
    got = _FOUND.search(str(error))
    level = place.count("[")
    if got is None:
        return Malformed(f"data{place} is out of range, expected {datatype.told}, as {datatype.name} says")
    expected = "an array" if level < depth else f"{datatype.told}, as {datatype.name} says"
    return Malformed(f"data{place} is {_NAMES.get(got[1], got[1])}, expected {expected}")
