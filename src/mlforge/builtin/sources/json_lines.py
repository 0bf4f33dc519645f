"""The json_lines source."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from mlforge.builtin.sources.codec import plain
from mlforge.builtin.sources.files import File, content_digest, found, watched
from mlforge.components import InputPath, Source
from mlforge.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

__all__ = ["JsonLines"]


class JsonLines(Source):
    """JSON lines: one object a line, in one file or several by a glob, here or at a URL; compressed or not.

    A key that an object lacks is a missing value. A column's type is what all its values fit; the files are read once to find it out.
    """

    suffixes: ClassVar[tuple[str, ...]] = tuple(ending + more for ending in (".jsonl", ".ndjson") for more in ("", ".gz", ".zst", ".bz2"))
    libraries: ClassVar[tuple[str, ...]] = ("polars",)

    path: InputPath = Field(description="file, glob such as data/*.jsonl, or URL such as s3://bucket/*.jsonl.gz")

    def fingerprint(self) -> str:
        """Digest of the files' content; for those at a URL, what their store says of it."""
        return content_digest(found(self.path))

    def watched(self) -> tuple[Path, ...] | None:
        """The files, and for a glob the folder in which others could come to match."""
        return watched(self.path)

    def scan(self) -> pl.LazyFrame:
        """The rows, file after file in the order of their names."""
        import polars as pl

        files = self._files()
        for file in files:
            if file.path.stat().st_size == 0:
                raise DataError(f"source.path: {file} is empty", hint="Is it the right file?")
        rows = pl.scan_ndjson([file.path for file in files], infer_schema_length=None)
        try:
            rows.collect_schema()
        except (pl.exceptions.PolarsError, OSError, ValueError) as error:
            raise self.diagnose(error) from None
        return rows

    def diagnose(self, error: Exception) -> DataError:
        """Find the file and line that broke the scan."""
        for file in self._files():
            if problem := _problem(file):
                return problem
        return super().diagnose(error)

    def _files(self) -> list[File]:
        return [plain(one, "utf-8") for one in found(self.path)]


def _problem(file: File) -> DataError | None:
    with file.path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                value = json.loads(line)
            except UnicodeDecodeError:
                return DataError(f"source.path: {file}, line {number} is no UTF-8", hint="Convert the file.")
            except ValueError as error:
                cut = " It is the last one, and has no end: is the file truncated?" if not line.endswith(b"\n") else ""
                return DataError(f"source.path: {file}, line {number} is no JSON: {error}", hint=f"Mend the line.{cut}")
            if not isinstance(value, dict):
                return DataError(f"source.path: {file}, line {number} is no object", hint="Each line is one object: {{…}}.")
    return None
