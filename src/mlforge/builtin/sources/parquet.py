"""The parquet source."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from mlforge.builtin.sources.files import content_digest, found, watched
from mlforge.components import InputPath, Source
from mlforge.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

__all__ = ["Parquet"]


class Parquet(Source):
    """Apache Parquet: one file, or several by a glob."""

    suffixes: ClassVar[tuple[str, ...]] = (".parquet",)
    libraries: ClassVar[tuple[str, ...]] = ("polars",)

    path: InputPath = Field(description="file, or glob such as data/*.parquet; all files need the same columns and dtypes")

    def fingerprint(self) -> str:
        """Digest of the files' content."""
        return content_digest(found(self.path))

    def watched(self) -> tuple[Path, ...] | None:
        """The files, and for a glob the folder in which others could come to match."""
        return watched(self.path)

    def scan(self) -> pl.LazyFrame:
        """The rows, file after file in the order of their names."""
        import polars as pl

        files = found(self.path)
        schemas = [_schema(file) for file in files]
        for file, schema in zip(files, schemas, strict=True):
            if schema != schemas[0]:
                raise _disagreement(files[0], schemas[0], file, schema)
        rows = pl.scan_parquet(files, glob=False)
        if rows.select(pl.len()).collect().item() == 0:
            raise DataError(f"source.path: {files[0]} has no rows", hint="Is it the right file?")
        return rows

    def diagnose(self, error: Exception) -> DataError:
        """Find the file that cannot be read to its end."""
        import polars as pl

        for file in found(self.path):
            try:
                pl.scan_parquet(file, glob=False).select(pl.all().count()).collect(engine="streaming")
            except (pl.exceptions.PolarsError, OSError) as cause:
                return _unreadable(file, cause)
        return super().diagnose(error)


def _schema(file: Path) -> pl.Schema:
    import polars as pl

    try:
        return pl.Schema(pl.read_parquet_schema(file))
    except (pl.exceptions.PolarsError, OSError, ValueError) as error:
        raise _unreadable(file, error) from None


def _unreadable(file: Path, error: Exception) -> DataError:
    size = file.stat().st_size
    if size == 0:
        return DataError(f"source.path: {file} is empty", hint="Is it the right file?")
    with file.open("rb") as content:
        begins = content.read(4) == b"PAR1"
        content.seek(max(0, size - 4))
        ends = content.read() == b"PAR1"
    if not begins:
        return DataError(f"source.path: {file} is no parquet file", hint="Is it the right file? For delimited text, use source=csv.")
    if not ends:
        return DataError(f"source.path: {file} is truncated: its end is missing after {size:,} bytes", hint="Copy or write it again.")
    return DataError(f"source.path: {file} is damaged: {str(error).splitlines()[0][:200]}", hint="Copy or write it again.")


def _disagreement(one: Path, schema: pl.Schema, other: Path, others: pl.Schema) -> DataError:
    names = [*schema, *(name for name in others if name not in schema)]
    name = next((name for name in names if schema.get(name) != others.get(name)), None)
    what = (
        f"{name!r} is {others.get(name) or 'absent'} in {other} and {schema.get(name) or 'absent'} in {one}"
        if name
        else f"{other} has them in another order than {one}"
    )
    return DataError(f"source.path: the files' columns differ: {what}", hint="Name files with the same columns, or narrow the glob.")
