"""The shape of an Arrow stream or file, looked at before it is decoded: how many rows it announces, and whether its buffers are compressed.

A few bytes of Arrow can announce any number of rows, or unpack to any size. So the messages' heads are read first, as the format lays them down
(https://arrow.apache.org/docs/format/Columnar.html#serialization-and-interprocess-communication-ipc).
"""

from __future__ import annotations

import struct

from mlforge.serving.http import Refused

__all__ = ["arrow_within"]

_MAGIC = b"ARROW1"  # at both ends of a file
_TAIL = struct.calcsize("<i") + len(_MAGIC)
_BLOCK = struct.calcsize("<qiiq")
_DICTIONARY, _RECORDS = 2, 3  # kinds of message; the schema's is 1
_VERSION_TYPE, _HEADER, _BODY_LENGTH = 1, 2, 3  # places in a message's table
_LENGTH, _COMPRESSION, _DATA = 0, 3, 1  # in a record batch's; the last in a dictionary batch's
_DICTIONARIES, _BATCHES = 2, 3  # in a file's footer


def arrow_within(body: bytes, rows: int) -> bool:
    """Is it a file, and not a stream. Raises Refused when it is neither, announces more rows than that, or is compressed."""
    file = body.startswith(_MAGIC)
    try:
        announced = _in_file(body) if file else _in_stream(body)
    except (struct.error, IndexError):
        raise Refused(400, "the body is no Arrow stream or file") from None
    if announced > rows:
        raise Refused(413, f"the body has {announced:,} rows; at most {rows:,} are answered at once")
    return file


def _in_stream(body: bytes) -> int:
    """The rows of all messages, one after the other."""
    place = announced = 0
    while place + 8 <= len(body):
        head, place = _message(body, place)
        if head is None:
            break
        announced += _rows(head)
        length = head.number(_BODY_LENGTH, "<q")
        if length < 0:
            raise IndexError
        place += length
    return announced


def _in_file(body: bytes) -> int:
    """The rows of the messages that the footer names, each of which stands for itself: the same one named many times would be many times as many rows."""
    (size,) = struct.unpack_from("<i", body, len(body) - _TAIL)
    start = len(body) - _TAIL - size
    if not body.endswith(_MAGIC) or size <= 0 or start < len(_MAGIC):
        raise IndexError
    footer = _Table(body, start + struct.unpack_from("<I", body, start)[0])
    blocks = sorted((*footer.blocks(_DICTIONARIES), *footer.blocks(_BATCHES)))
    announced = end = 0
    for place, length in blocks:
        if place < end:
            raise IndexError
        head, _ = _message(body, place)
        announced += _rows(head) if head is not None else 0
        end = place + length
    return announced


def _message(body: bytes, place: int) -> tuple[_Table | None, int]:
    """The head of the message there, and where its body begins; None for the end of a stream."""
    (size,) = struct.unpack_from("<i", body, place)
    place += 4
    if size == -1:  # before a size, since version 0.15 of the format
        (size,) = struct.unpack_from("<i", body, place)
        place += 4
    if size == 0:
        return None, place
    if size < 0 or place + size > len(body):
        raise IndexError
    return _Table(body, place + struct.unpack_from("<I", body, place)[0]), place + size


def _rows(head: _Table) -> int:
    kind = head.number(_VERSION_TYPE, "<B")
    if kind not in (_DICTIONARY, _RECORDS):
        return 0
    batch = head.table(_HEADER)
    batch = batch.table(_DATA) if batch is not None and kind == _DICTIONARY else batch
    if batch is None:
        raise IndexError
    if batch.table(_COMPRESSION) is not None:
        raise Refused(415, "the body's buffers are compressed; an Arrow stream without compression was expected")
    length = batch.number(_LENGTH, "<q")
    if length < 0:
        raise IndexError
    return length


class _Table:
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

    def number(self, field: int, form: str) -> int:
        place = self._place(field)
        return int(struct.unpack_from(form, self._data, place)[0]) if place else 0

    def blocks(self, field: int) -> list[tuple[int, int]]:
        """Place and length of each message that a footer names."""
        place = self._place(field)
        if not place:
            return []
        place += struct.unpack_from("<I", self._data, place)[0]
        (count,) = struct.unpack_from("<I", self._data, place)
        if place + 4 + count * _BLOCK > len(self._data):
            raise IndexError
        found = [struct.unpack_from("<qiiq", self._data, place + 4 + _BLOCK * one) for one in range(count)]
        if any(at < 0 or head < 0 or body < 0 for at, head, _, body in found):
            raise IndexError
        return [(at, head + body) for at, head, _, body in found]

    def table(self, field: int) -> _Table | None:
        place = self._place(field)
        return _Table(self._data, place + struct.unpack_from("<I", self._data, place)[0]) if place else None
