"""The shape of an Arrow stream or file, looked at before it is decoded: its columns, how many rows it announces, and whether its buffers are compressed.

A few bytes of Arrow can announce any number of rows, or unpack to any size. So the messages' heads are read first, as the format lays them down
(https://arrow.apache.org/docs/format/Columnar.html#serialization-and-interprocess-communication-ipc).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from mlforge.serving.access.arrow_types import readable
from mlforge.serving.access.flat_buffers import Table
from mlforge.serving.http import Refused

__all__ = ["arrow_within"]

_MAGIC = b"ARROW1"  # at both ends of a file
_TAIL = struct.calcsize("<i") + len(_MAGIC)
_SCHEMA, _DICTIONARY, _RECORDS = 1, 2, 3  # kinds of message
_VERSION_TYPE, _HEADER, _BODY_LENGTH = 1, 2, 3  # places in a message's table
_LENGTH, _COMPRESSION, _DATA = 0, 3, 1  # in a record batch's; the last in a dictionary batch's
_FOOTERS_SCHEMA, _DICTIONARIES, _BATCHES = 1, 2, 3  # in a file's footer


def arrow_within(body: bytes, rows: int) -> bool:
    """Is it a file, and not a stream. Raises Refused when it is neither, announces more rows than that, is compressed, or has columns that cannot be read."""
    file = body.startswith(_MAGIC)
    try:
        announced = _in_file(body) if file else _in_stream(body)
    except (struct.error, IndexError):
        raise Refused(400, "the body is no Arrow stream or file") from None
    if announced.rows > rows:
        raise Refused(413, f"the body has {announced.rows:,} rows; at most {rows:,} are answered at once")
    if announced.entries > len(body):  # each takes a byte at least, if it is there
        raise Refused(413, f"the body announces {announced.entries:,} entries of dictionaries and has {len(body):,} bytes")
    return file


@dataclass
class _Announced:
    rows: int = 0
    entries: int = 0  # of dictionaries: the texts that categories stand for, however few rows there are
    schemas: int = 0

    def add(self, head: Table) -> None:
        kind = head.number(_VERSION_TYPE, "<B")
        if kind == _SCHEMA and (schema := head.table(_HEADER)) is not None:
            self.schemas += 1
            if self.schemas > 1:
                raise IndexError
            readable(schema)
        if kind not in (_DICTIONARY, _RECORDS):
            return
        batch = head.table(_HEADER)
        batch = batch.table(_DATA) if batch is not None and kind == _DICTIONARY else batch
        if batch is None:
            raise IndexError
        if batch.table(_COMPRESSION) is not None:
            raise Refused(415, "the body's buffers are compressed; an Arrow stream without compression was expected")
        length = batch.number(_LENGTH, "<q")
        if length < 0:
            raise IndexError
        if kind == _DICTIONARY:
            self.entries += length
        else:
            self.rows += length


def _in_stream(body: bytes) -> _Announced:
    """What all messages announce, one after the other."""
    place, announced = 0, _Announced()
    while place + 8 <= len(body):
        head, place = _message(body, place)
        if head is None:
            break
        announced.add(head)
        length = head.number(_BODY_LENGTH, "<q")
        if length < 0:
            raise IndexError
        place += length
    return announced


def _in_file(body: bytes) -> _Announced:
    """What the messages announce that the footer names, each of which stands for itself: the same one named many times would be many times as many rows."""
    (size,) = struct.unpack_from("<i", body, len(body) - _TAIL)
    start = len(body) - _TAIL - size
    if not body.endswith(_MAGIC) or size <= 0 or start < len(_MAGIC):
        raise IndexError
    footer = Table(body, start + struct.unpack_from("<I", body, start)[0])
    if (schema := footer.table(_FOOTERS_SCHEMA)) is not None:
        readable(schema)
    blocks = sorted((*footer.blocks(_DICTIONARIES), *footer.blocks(_BATCHES)))
    announced, end = _Announced(), 0
    for place, length in blocks:
        if place < end:
            raise IndexError
        head, _ = _message(body, place)
        if head is not None:
            announced.add(head)
        end = place + length
    return announced


def _message(body: bytes, place: int) -> tuple[Table | None, int]:
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
    return Table(body, place + struct.unpack_from("<I", body, place)[0]), place + size
