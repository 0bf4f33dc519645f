"""The shape of a JSON text, looked at before it is decoded: how deep it goes, and whether an object has a key twice.

Both looks are cheap where all is well, one count over the bytes, and take linear time where it is not: the patterns cannot backtrack, and match a string that
never ends, too.
"""

from __future__ import annotations

import re

__all__ = ["repeated_key", "too_deep"]

_TEXT = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)'
_STRING = re.compile(_TEXT, re.DOTALL)
_TOKEN = re.compile(_TEXT + rb"|[][{}:]", re.DOTALL)
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


def repeated_key(body: bytes, keys: int) -> str | None:
    """A key that an object of this JSON has twice, shortened; None when there is none.

    `keys` is how many the decoded objects have together. Every key comes with a colon: as many colons as keys, and none was lost.
    """
    if body.count(b":") == keys:
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
            last = token
        elif around and (seen := around[-1]) is not None:
            if last in seen:
                return last[1:-1].decode("utf-8", "replace")[:60]
            seen.add(last)
    return None
