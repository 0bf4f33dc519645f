"""Tables of FlatBuffers, in which the heads of Arrow's messages are written (https://flatbuffers.dev/internals/).

Whatever lies beyond the data raises struct.error or IndexError.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Self

__all__ = ["Table"]

_LONGEST = 1000  # bytes of a text
_BLOCK = struct.calcsize("<qiiq")


class Table:
    """A table of FlatBuffers: a list of places, each with a value or nothing."""

    def __init__(self, data: bytes, start: int) -> None:
        self._data, self._start = data, start
        self._fields = start - struct.unpack_from("<i", data, start)[0]
        if self._fields < 0:
            raise IndexError

    def _place(self, field: int) -> int:
        (size,) = struct.unpack_from("<H", self._data, self._fields)
        at = 4 + 2 * field
        offset = struct.unpack_from("<H", self._data, self._fields + at)[0] if at + 2 <= size else 0
        return self._start + offset if offset else 0

    def _list(self, field: int, size: int) -> tuple[int, int]:
        """Place and number of the entries of a list, each of so many bytes; none where there is no list."""
        place = self._place(field)
        if not place:
            return 0, 0
        place += struct.unpack_from("<I", self._data, place)[0]
        (count,) = struct.unpack_from("<I", self._data, place)
        if place + 4 + count * size > len(self._data):
            raise IndexError
        return place + 4, count

    def number(self, field: int, form: str) -> int:
        """A number in the form of `struct`; 0 where there is none."""
        place = self._place(field)
        return int(struct.unpack_from(form, self._data, place)[0]) if place else 0

    def blocks(self, field: int) -> list[tuple[int, int]]:
        """Place and length of each message that a footer names."""
        place, count = self._list(field, _BLOCK)
        found = [struct.unpack_from("<qiiq", self._data, place + _BLOCK * one) for one in range(count)]
        if any(at < 0 or head < 0 or body < 0 for at, head, _, body in found):
            raise IndexError
        return [(at, head + body) for at, head, _, body in found]

    def table(self, field: int) -> Self | None:
        """A table within this one."""
        place = self._place(field)
        return type(self)(self._data, place + struct.unpack_from("<I", self._data, place)[0]) if place else None

    def tables(self, field: int) -> Iterator[Self]:
        """The tables of a list."""
        place, count = self._list(field, 4)
        for at in range(place, place + 4 * count, 4):
            yield type(self)(self._data, at + struct.unpack_from("<I", self._data, at)[0])

    def text(self, field: int) -> str:
        """A text, or the first thousand bytes of it; empty where there is none."""
        place, size = self._list(field, 1)
        return self._data[place : place + min(size, _LONGEST)].decode("utf-8", "replace")
