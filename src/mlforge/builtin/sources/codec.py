"""Text as it lies in files: compressed, or in another encoding; here it becomes plain UTF-8, block by block."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import Any

from mlforge.builtin.sources.files import File, Found
from mlforge.builtin.sources.spool import Spool
from mlforge.errors import DataError

__all__ = ["COMPRESSED", "plain"]

COMPRESSED = {".gz": "gzip", ".zst": "zstd", ".bz2": "bz2"}
"""Endings of compressed files, and what they are compressed with, as Arrow names it."""

_BLOCK = 4 << 20
_UTF8 = ("utf-8", "utf-8-lossy")

_made: dict[tuple[str, str | None, int, int, str], Spool] = {}


def plain(found: Found, encoding: str) -> File:
    """The file as plain UTF-8: itself where it is that already, else a copy that goes with this process. Raises DataError for what cannot be decoded."""
    file = found.file()
    compression = next((kind for ending, kind in COMPRESSED.items() if file.name.lower().endswith(ending)), None)
    if compression is None and encoding in _UTF8:
        return file
    stat = file.path.stat()
    key = (file.name, found.version(), stat.st_size, stat.st_mtime_ns, encoding)
    if key not in _made:
        _made[key] = Spool(_decoded(file, compression, encoding), file.name)
    return File(file.name, _made[key].path)


def _decoded(file: File, compression: str | None, encoding: str) -> Iterator[bytes]:
    if encoding in _UTF8:
        yield from _blocks(file, compression)
        return
    decoder = codecs.getincrementaldecoder(encoding)()
    came = 0
    for block in _blocks(file, compression):
        yield _text(decoder, block, file, encoding, came).encode()
        came += len(block)
    yield _text(decoder, b"", file, encoding, came).encode()


def _text(decoder: codecs.IncrementalDecoder, block: bytes, file: File, encoding: str, came: int) -> str:
    try:
        return decoder.decode(block, final=not block)
    except UnicodeDecodeError as error:
        place = f"at offset {came + error.start:,}" if block else "at its end"
        raise DataError(f"source.path: {file} is no {encoding}: {error.reason} {place}", hint="Say what it was written in: source.encoding=…") from None


def _blocks(file: File, compression: str | None) -> Iterator[bytes]:
    import pyarrow as pa

    stream: Any
    try:
        with file.path.open("rb") as raw:
            if raw.read(1) == b"":
                return  # an empty file is told as such, not as a broken archive
            raw.seek(0)
            stream = raw if compression is None else pa.CompressedInputStream(raw, compression)
            while block := stream.read(_BLOCK):
                yield block
    except (pa.ArrowException, OSError, EOFError) as error:
        if compression is None:
            raise
        told = str(error).splitlines()[0][:200]
        hint = "Copy or write it again. Its ending says how it is compressed: does that hold?"
        raise DataError(f"source.path: {file} is truncated or no {compression} file: {told}", hint=hint) from None
