"""Tensor data in binary: little-endian, row-major, without padding; BYTES as a length of four bytes before each element.

Both the binary extension over HTTP and gRPC's raw contents are written so.
"""

from __future__ import annotations

import struct

import numpy as np

from mlforge.serving.v2.datatypes import BYTES, Datatype
from mlforge.serving.v2.malformed import Malformed

__all__ = ["packed", "unpacked"]

_LENGTH = struct.Struct("<I")


def unpacked(data: bytes | memoryview, datatype: Datatype, count: int) -> np.ndarray | list[str | None]:
    """The elements of a tensor. Raises Malformed when there are more or fewer bytes than `count` elements take."""
    if datatype is BYTES:
        return _strings(memoryview(data), count)
    if len(data) != count * datatype.size:
        raise Malformed(f"{len(data)} bytes of data, expected {count * datatype.size}: {count} elements of {datatype.name}")
    if datatype.name == "BOOL":
        read = np.frombuffer(data, np.uint8)
        if read.size and read.max() > 1:
            raise Malformed(f"a byte of BOOL is {read.max()}, expected 0 or 1")
        return read.view(bool)
    return np.frombuffer(data, datatype.stored)


def _strings(data: memoryview, count: int) -> list[str | None]:
    read: list[str | None] = []
    offset, end = 0, len(data)
    while offset + 4 <= end and len(read) <= count:
        (length,) = _LENGTH.unpack_from(data, offset)
        offset += 4
        if length > end - offset:
            raise Malformed(f"element {len(read)} says that it has {length} bytes, and {end - offset} are left")
        try:
            read.append(str(data[offset : offset + length], "utf-8"))
        except UnicodeDecodeError:
            raise Malformed(f"element {len(read)} is not UTF-8") from None
        offset += length
    if offset != end or len(read) != count:
        raise Malformed(f"{end} bytes of data are not {count} elements of BYTES, each behind a length of four bytes")
    return read


def packed(values: np.ndarray, datatype: Datatype) -> bytes:
    """An array's elements in binary."""
    if datatype is not BYTES:
        return np.ascontiguousarray(values, datatype.stored).tobytes()
    texts = [str(value).encode() for value in values.ravel()]
    return b"".join(part for text in texts for part in (_LENGTH.pack(len(text)), text))
