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


def elements(raw: msgspec.Raw, datatype: Datatype, shape: tuple[int, ...], where: str) -> list[Any]:
    """The elements in row-major order, as many as the shape says; None where one is missing (null). Raises Malformed, naming the element."""
    nested = bytes(memoryview(raw)[:16]).translate(None, b" \t\r\n")[1:2] == b"["
    depth = len(shape) if nested else 1
    values = _read(raw, datatype, depth, where)
    return _flat(values, shape, where) if depth > 1 else values


def _read(raw: msgspec.Raw, datatype: Datatype, depth: int, where: str) -> list[Any]:
    try:
        return _decoder(datatype, depth, missing=False).decode(raw)
    except msgspec.ValidationError as error:
        if "got `null`" not in str(error):
            raise _told(error, datatype, depth, where) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Malformed(f"{where}: data is not UTF-8 JSON") from None
    try:
        return _decoder(datatype, depth, missing=True).decode(raw)
    except msgspec.ValidationError as error:
        raise _told(error, datatype, depth, where) from None


@cache
def _decoder(datatype: Datatype, depth: int, *, missing: bool) -> msgspec.json.Decoder[list[Any]]:
    kind: Any = datatype.element | None if missing else datatype.element
    for _ in range(depth):
        kind = list[kind]
    return msgspec.json.Decoder(kind)


def _flat(values: list[Any], shape: tuple[int, ...], where: str) -> list[Any]:
    """Nested lists as one, each of the length that the shape says."""
    for axis, size in enumerate(shape[:-1]):
        if (axis == 0 and len(values) != size) or not all(len(one) == shape[axis + 1] for one in values):
            raise Malformed(f"{where}: data is nested otherwise than shape {list(shape)} says")
        values = list(chain.from_iterable(values))
    return values


def _told(error: msgspec.ValidationError, datatype: Datatype, depth: int, where: str) -> Malformed:
    found = _AT.fullmatch(str(error))
    place = (found["place"] if found else None) or ""
    got = _FOUND.search(str(error))
    level = place.count("[")
    if got is not None and (level < depth or got[1] == "array"):
        expected = "an array" if level < depth else f"{datatype.told}, as {datatype.name} says"
        return Malformed(f"{where}: data{place} is {_NAMES.get(got[1], got[1])}, expected {expected}")
    what = _NAMES.get(got[1], got[1]) if got is not None else "out of range"
    return Malformed(f"{where}: data{place} is {what}, expected {datatype.told}, as {datatype.name} says")
