"""The shape of a JSON text: how deep it goes, and whether an object has a key twice, which a decoder would not tell.

The looks are cheap where all is well, one count over the bytes, and take linear time where it is not: the patterns cannot backtrack, and match a string that
never ends, too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import orjson

__all__ = ["keys_in", "none_repeated", "repeated_key", "too_deep"]

_TEXT = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)'
_STRING = re.compile(_TEXT, re.DOTALL)
_TOKEN = re.compile(_TEXT + rb"|[][{}:]", re.DOTALL)
_SPACED = re.compile(rb'"\s+:')
_SQUARE = bytes.maketrans(b"{}", b"[]")
_NOT_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")


def too_deep(body: bytes, depth: int) -> bool:
    """Do lists and objects lie deeper in each other than `depth`. Of a text that is no JSON, it may say either."""
    if body.count(b"[") + body.count(b"{") <= depth:
        return False
    rest = _STRING.sub(b"", body).translate(_SQUARE, _NOT_BRACKETS)
    for _ in range(depth):  # what is innermost is taken out, level by level
        shorter = rest.replace(b"[]", b"")
        if len(shorter) in (0, len(rest)):
            return bool(shorter)
        rest = shorter
    return True


def keys_in(value: object) -> int:
    """How many keys the objects of a decoded text have together."""
    if isinstance(value, Mapping):
        return len(value) + sum(keys_in(one) for one in value.values() if isinstance(one, Mapping | list))
    return sum(keys_in(one) for one in value if isinstance(one, Mapping | list)) if isinstance(value, Sequence) else 0


def none_repeated(body: bytes, keys: int) -> bool:
    """Is it certain that no object of this JSON has a key twice, when the decoded objects have so many together.

    A text has at least as many colons as keys, and where nobody puts a space before a colon, at least as many colons behind a quote: as many as there are keys,
    and none was lost.
    """
    return body.count(b":") == keys or (body.count(b'":') == keys and _SPACED.search(body) is None)


def _unescaped(token: bytes) -> bytes:
    """A string as it is mostly written: "\\u0061ge" is "age" too."""
    try:
        return orjson.dumps(orjson.loads(token))
    except orjson.JSONDecodeError:  # no string of this JSON; whoever decodes it says so
        return token


def repeated_key(body: bytes, keys: int) -> str | None:
    """A key that an object of this JSON has twice, shortened; None when there is none. `keys` is how many the decoded objects have together."""
    if none_repeated(body, keys):
        return None
    around: list[set[bytes] | None] = []  # the keys of each object that is open; None for a list
    last = b""
    for match in _TOKEN.finditer(body):
        token = match[0]
        if token in (b"{", b"["):
            around.append(set() if token == b"{" else None)
        elif token in (b"}", b"]"):
            del around[-1:]
        elif token != b":":
            last = token if b"\\" not in token else _unescaped(token)
        elif around and (seen := around[-1]) is not None:
            if last in seen:
                return last[1:-1].decode("utf-8", "replace")[:60]
            seen.add(last)
    return None
