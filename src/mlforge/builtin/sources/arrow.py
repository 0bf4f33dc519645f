"""The arrow source."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from mlforge.builtin.sources.arrow_stream import is_stream, scan_stream, stream_schema
from mlforge.builtin.sources.files import File, content_digest, found, opened, watched
from mlforge.components import InputPath, Source
from mlforge.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

__all__ = ["Arrow"]


class Arrow(Source):
    """Apache Arrow: IPC files (Feather version 2) and IPC streams; one file, or several by a glob, here or at a URL."""

    suffixes: ClassVar[tuple[str, ...]] = (".arrow", ".arrows", ".feather", ".ipc")
    libraries: ClassVar[tuple[str, ...]] = ("polars", "pyarrow")

    path: InputPath = Field(description="file, glob such as data/*.arrow, or URL; all files need the same columns and dtypes")

    def fingerprint(self) -> str:
        """Digest of the files' content; for those at a URL, what their store says of it."""
        return content_digest(found(self.path))

    def watched(self) -> tuple[Path, ...] | None:
        """The files, and for a glob the folder in which others could come to match."""
        return watched(self.path)

    def scan(self) -> pl.LazyFrame:
        """The rows, file after file in the order of their names."""
        import polars as pl

        files = opened(self.path)
        schemas = [_schema(file) for file in files]
        for file, schema in zip(files, schemas, strict=True):
            if schema != schemas[0]:
                names = [*schemas[0], *(name for name in schema if name not in schemas[0])]
                name = next((name for name in names if schema.get(name) != schemas[0].get(name)), "")
                what = f"{name!r} is {schema.get(name) or 'absent'} in {file} and {schemas[0].get(name) or 'absent'} in {files[0]}" if name else "in order"
                raise DataError(f"source.path: the files' columns differ: {what}", hint="Name files with the same columns, or narrow the glob.")
        if any(is_stream(file.path) for file in files):
            return pl.concat([_scan(file) for file in files])
        return pl.scan_ipc([file.path for file in files])

    def diagnose(self, error: Exception) -> DataError:
        """Find the file that cannot be read to its end."""
        import polars as pl

        for file in opened(self.path):
            try:
                _scan(file).select(pl.all().count()).collect(engine="streaming")
            except (pl.exceptions.PolarsError, OSError, ValueError) as cause:
                return _unreadable(file, cause)
        return super().diagnose(error)


def _scan(file: File) -> pl.LazyFrame:
    import polars as pl

    return scan_stream(file.path) if is_stream(file.path) else pl.scan_ipc(file.path)


def _schema(file: File) -> pl.Schema:
    import polars as pl

    if file.path.stat().st_size == 0:
        raise DataError(f"source.path: {file} is empty", hint="Is it the right file?")
    try:
        return stream_schema(file.path) if is_stream(file.path) else pl.scan_ipc(file.path).collect_schema()
    except (pl.exceptions.PolarsError, OSError, ValueError) as error:
        raise _unreadable(file, error) from None


def _unreadable(file: File, error: Exception) -> DataError:
    told = str(error).splitlines()[0][:200]
    if is_stream(file.path):
        return DataError(f"source.path: {file} is a stream that breaks off or is damaged: {told}", hint="Copy or write it again.")
    with file.path.open("rb") as content:
        begins = content.read(6) == b"ARROW1"
        content.seek(-6, 2) if file.path.stat().st_size >= 6 else None
        ends = content.read() == b"ARROW1"
    if not begins:
        return DataError(f"source.path: {file} is no Arrow file", hint="Is it the right file?")
    if not ends:
        return DataError(f"source.path: {file} is truncated: its end is missing", hint="Copy or write it again.")
    return DataError(f"source.path: {file} is damaged: {told}", hint="Copy or write it again.")
