"""Arrow's stream format: batches one after another, without the index at the end that its file format has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

__all__ = ["is_stream", "scan_stream", "stream_schema"]

_CONTINUES = b"\xff\xff\xff\xff"  # before each message


def is_stream(path: Path) -> bool:
    """Does the file begin as a stream."""
    with path.open("rb") as file:
        return file.read(len(_CONTINUES)) == _CONTINUES


def stream_schema(path: Path) -> pl.Schema:
    """The columns and their types."""
    import polars as pl

    with _reader(path) as reader:
        frame = pl.from_arrow(reader.schema.empty_table())
    assert isinstance(frame, pl.DataFrame)
    return frame.schema


def scan_stream(path: Path) -> pl.LazyFrame:
    """The rows, batch by batch as they were written."""
    from polars.io.plugins import register_io_source

    def rows(columns: list[str] | None, predicate: pl.Expr | None, most: int | None, size: int | None) -> Iterator[pl.DataFrame]:
        for frame in _frames(path):
            part = frame.select(columns) if columns is not None else frame
            part = part if most is None else part.head(most)
            most = None if most is None else most - part.height
            yield part if predicate is None else part.filter(predicate)
            if most == 0:
                return

    return register_io_source(rows, schema=stream_schema(path))


def _frames(path: Path) -> Iterator[pl.DataFrame]:
    import polars as pl

    with _reader(path) as reader:
        for batch in reader:
            frame = pl.from_arrow(batch)
            assert isinstance(frame, pl.DataFrame)
            yield frame


@contextmanager
def _reader(path: Path) -> Iterator[Any]:
    import pyarrow as pa

    with pa.OSFile(str(path)) as file, pa.ipc.open_stream(file) as reader:
        yield reader
