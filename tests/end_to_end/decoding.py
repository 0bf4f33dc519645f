"""Every file of a store as text, whatever it is written in: so that a search finds what is there."""

from __future__ import annotations

import gzip
import io
import json
import sqlite3
import zipfile
from collections.abc import Iterator
from pathlib import Path

import polars as pl

_ZSTD = b"\x28\xb5\x2f\xfd"


def texts(folder: Path) -> Iterator[tuple[Path, str]]:
    """Each file with what it says: as it lies there, and decoded."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path, "\n".join(_decoded(path.name, path.read_bytes(), path))


def holders(folder: Path, needle: str) -> list[Path]:
    """The files in which a text is found."""
    return [path for path, text in texts(folder) if needle in text]


def _decoded(name: str, content: bytes, path: Path | None = None) -> Iterator[str]:
    yield content.decode("utf-8", "ignore")
    yield content.decode("utf-16-le", "ignore")
    if content[:4] == b"PAR1":
        yield _cells(pl.read_parquet(io.BytesIO(content)))
    elif content[:6] == b"ARROW1":
        yield _cells(pl.read_ipc(io.BytesIO(content)))
    elif content[:15] == b"SQLite format 3" and path is not None:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
            yield "\n".join(database.iterdump())
    elif content[:2] == b"\x1f\x8b":
        yield from _decoded(name, gzip.decompress(content))
    elif content[:4] == _ZSTD:
        raise AssertionError(f"{name} is compressed with zstd: teach the search to read it")
    elif zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for inner in archive.namelist():
                yield from _decoded(inner, archive.read(inner))
    elif name.endswith(".json"):
        yield json.dumps(json.loads(content), ensure_ascii=False)


def _cells(frame: pl.DataFrame) -> str:
    return "\n".join([*frame.columns, *(str(value) for column in frame for value in column.unique())])
