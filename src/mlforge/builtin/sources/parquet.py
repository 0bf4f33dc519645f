"""The parquet source."""

from __future__ import annotations

from itertools import groupby
from pathlib import PurePath
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import unquote

from pydantic import Field

from mlforge.builtin.sources.files import File, content_digest, found, opened, watched
from mlforge.components import InputPath, Source
from mlforge.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

__all__ = ["Parquet"]

_HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"


class Parquet(Source):
    """Apache Parquet: one file, or several by a glob, here or at a URL; with Hive partitions where there are any.

    Folders such as `year=2024` become text columns of that name: `sales/**/*.parquet`.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".parquet",)
    libraries: ClassVar[tuple[str, ...]] = ("polars",)

    path: InputPath = Field(description="file, glob such as data/*.parquet, or URL; all files need the same columns and dtypes")
    hive: bool = Field(default=True, description="do folders named key=value make columns")

    def fingerprint(self) -> str:
        """Digest of the files' content and of what their folders say; for those at a URL, what their store says of it."""
        files = found(self.path)
        told = [partition(file.name) for file in files] if self.hive else []
        return content_digest(files) + (f" {told}" if any(told) else "")

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
                raise _disagreement(files[0], schemas[0], file, schema)
        rows = self._rows(files, schemas[0])
        if rows.select(pl.len()).collect().item() == 0:
            raise DataError(f"source.path: {files[0]} has no rows", hint="Is it the right file?")
        return rows

    def _rows(self, files: list[File], schema: pl.Schema) -> pl.LazyFrame:
        import polars as pl

        parts: list[pl.LazyFrame] = []
        keys: list[str] = []
        for values, several in groupby(files, key=lambda file: partition(file.name) if self.hive else {}):
            if twice := next((key for key in values if key in schema), None):
                raise DataError(
                    f"source.path: {twice!r} is a column of the files and a folder's name", hint="Set source.hive=false to leave the folders' names."
                )
            if parts and list(values) != keys:
                raise DataError(
                    f"source.path: the folders differ: some are named by {', '.join(keys) or 'nothing'}, others by {', '.join(values) or 'nothing'}"
                )
            keys = list(values)
            rows = pl.scan_parquet([file.path for file in several], glob=False, hive_partitioning=False)
            parts.append(rows.with_columns(pl.lit(value, dtype=pl.String).alias(key) for key, value in values.items()))
        return parts[0] if len(parts) == 1 else pl.concat(parts)

    def diagnose(self, error: Exception) -> DataError:
        """Find the file that cannot be read to its end."""
        import polars as pl

        for file in opened(self.path):
            try:
                pl.scan_parquet(file.path, glob=False).select(pl.all().count()).collect(engine="streaming")
            except (pl.exceptions.PolarsError, OSError) as cause:
                return _unreadable(file, cause)
        return super().diagnose(error)


def partition(name: str) -> dict[str, str | None]:
    """What the folders of a path say, as Hive names them: `key=value`."""
    pairs = (part.partition("=") for part in PurePath(name).parts[:-1])
    return {key: None if value == _HIVE_NULL else unquote(value) for key, sign, value in pairs if sign and key}


def _schema(file: File) -> pl.Schema:
    import polars as pl

    try:
        return pl.Schema(pl.read_parquet_schema(file.path))
    except (pl.exceptions.PolarsError, OSError, ValueError) as error:
        raise _unreadable(file, error) from None


def _unreadable(file: File, error: Exception) -> DataError:
    size = file.path.stat().st_size
    if size == 0:
        return DataError(f"source.path: {file} is empty", hint="Is it the right file?")
    with file.path.open("rb") as content:
        begins = content.read(4) == b"PAR1"
        content.seek(max(0, size - 4))
        ends = content.read() == b"PAR1"
    if not begins:
        return DataError(f"source.path: {file} is no parquet file", hint="Is it the right file? For delimited text, use source=csv.")
    if not ends:
        return DataError(f"source.path: {file} is truncated: its end is missing after {size:,} bytes", hint="Copy or write it again.")
    return DataError(f"source.path: {file} is damaged: {str(error).splitlines()[0][:200]}", hint="Copy or write it again.")


def _disagreement(one: File, schema: pl.Schema, other: File, others: pl.Schema) -> DataError:
    names = [*schema, *(name for name in others if name not in schema)]
    name = next((name for name in names if schema.get(name) != others.get(name)), None)
    what = (
        f"{name!r} is {others.get(name) or 'absent'} in {other} and {schema.get(name) or 'absent'} in {one}"
        if name
        else f"{other} has them in another order than {one}"
    )
    return DataError(f"source.path: the files' columns differ: {what}", hint="Name files with the same columns, or narrow the glob.")
