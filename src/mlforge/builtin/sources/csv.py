"""The csv source."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from mlforge.builtin.sources.files import File, content_digest, found, watched
from mlforge.components import InputPath, Source
from mlforge.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

    from mlforge.builtin.sources.dialect import Dialect

__all__ = ["Csv"]

Encoding = Literal[
    "utf-8", "utf-8-lossy", "utf-16", "utf-16-le", "utf-16-be", "latin-1", "iso8859-2", "iso8859-9", "iso8859-15", "cp437", "cp850", "cp1250", "cp1251",
    "cp1252", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "koi8-r", "mac-roman", "shift-jis", "euc-jp", "gb18030", "big5", "euc-kr", "ascii",
]  # fmt: skip


class Csv(Source):
    """Delimited text: one file, or several by a glob, here or at a URL; compressed or not.

    Every column comes as text; the contract says what it is. An empty field is a missing value. Lines with nothing in them are skipped. Files that end in
    .gz, .zst or .bz2 are decompressed, and other encodings than UTF-8 transcoded, in blocks, into a file without a name that goes with the process.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".csv", ".csv.gz", ".csv.zst", ".csv.bz2")
    libraries: ClassVar[tuple[str, ...]] = ("polars",)

    path: InputPath = Field(description="file, glob such as data/*.csv, or URL such as s3://bucket/*.csv; all files need the same columns")
    separator: str = Field(default=",", min_length=1, max_length=1, pattern=r"^[\x00-\x7f]$", description="what stands between two fields")
    quote: str | None = Field(
        default='"', min_length=1, max_length=1, description="what encloses a field that has a separator or a line break in it; null for none"
    )
    header: bool = Field(default=True, description="does the first line name the columns; if not, they are column_1, column_2 …")
    comment: str | None = Field(default=None, min_length=1, description="lines that begin with this are skipped")
    encoding: Encoding = Field(default="utf-8", description="what the text was written in; utf-8-lossy replaces what is no UTF-8 by �, and hides the loss")

    def fingerprint(self) -> str:
        """Digest of the files' content; for those at a URL, what their store says of it."""
        return content_digest(found(self.path))

    def watched(self) -> tuple[Path, ...] | None:
        """The files, and for a glob the folder in which others could come to match."""
        return watched(self.path)

    def scan(self) -> pl.LazyFrame:
        """The rows as text, file after file in the order of their names."""
        import polars as pl

        files = self._files()
        names = self._names(files)
        last, dialect = names[-1], self._dialect()

        def complete(column: pl.Series) -> pl.Series:
            if column.null_count() and not sound:  # an empty field, or a line that ends too early: only a strict parser can tell
                if any(not dialect.evidently_sound(file) and dialect.problem(file, len(names)) for file in files):
                    raise ValueError("a line ends too early")  # Polars adds to the message: `diagnose` says it well
                sound.append(True)
            return column

        sound: list[bool] = []
        rows = pl.scan_csv(
            [file.path for file in files],
            glob=False,
            has_header=self.header,
            new_columns=names,  # Polars leaves doubled quotes in a header as they are
            separator=self.separator,
            quote_char=self.quote,
            comment_prefix=self.comment,
            encoding="utf8-lossy" if self.encoding == "utf-8-lossy" else "utf8",
            infer_schema=False,
        )
        rows = rows.filter(~pl.all_horizontal(pl.all().is_null()))
        return rows.with_columns(pl.col(last).map_batches(complete, return_dtype=pl.String, is_elementwise=True))

    def diagnose(self, error: Exception) -> DataError:
        """Find the file and line that broke the scan."""
        files = self._files()
        names = self._names(files)
        for file in files:
            problem = self._dialect().problem(file, len(names))
            if problem:
                return problem
        odd = next((odd for file in files if (odd := self._dialect().odd_quote(file))), None)  # both parsers go on there, and not in the same way
        return odd or super().diagnose(error)

    def _files(self) -> list[File]:
        """The files as plain UTF-8."""
        from mlforge.builtin.sources.codec import plain

        return [plain(one, self.encoding) for one in found(self.path)]

    def _dialect(self) -> Dialect:
        from mlforge.builtin.sources.dialect import Dialect

        return Dialect(self.separator, self.quote, self.comment, "replace" if self.encoding == "utf-8-lossy" else "strict")

    def _names(self, files: list[File]) -> list[str]:
        """The columns of all files, which must agree. Raises DataError for a file without any, or when no file has a row."""
        dialect = self._dialect()
        heads = [dialect.head(file) for file in files]
        if self.header and not any(len(head) > 1 for head in heads):
            raise DataError(f"source.path: {files[0]} has a header and no rows", hint="Is it the right file?")
        first = heads[0][0]
        for file, head in zip(files, heads, strict=True):
            if (head[0] != first) if self.header else (len(head[0]) != len(first)):
                raise _disagreement(files[0], first, file, head[0])
        twice = sorted({name for name in first if first.count(name) > 1}) if self.header else []
        if twice:
            raise DataError(f"source.path: {files[0]}, line 1: two columns are named {twice[0]!r}", hint="Column names must be distinct.")
        return first if self.header else [f"column_{number}" for number in range(1, len(first) + 1)]


def _disagreement(one: File, names: list[str], other: File, others: list[str]) -> DataError:
    lacking = [name for name in names if name not in others]
    surplus = [name for name in others if name not in names]
    what = f"lacks {lacking[0]!r}" if lacking else f"also has {surplus[0]!r}" if surplus else "has them in another order"
    return DataError(
        f"source.path: the files' columns differ: {other} {what}, compared with {one}", hint="Name files with the same columns, or narrow the glob."
    )
