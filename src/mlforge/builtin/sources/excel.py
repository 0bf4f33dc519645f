"""The excel source."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from mlforge.builtin.sources.files import File, content_digest, found, watched
from mlforge.components import InputPath, Source
from mlforge.errors import DataError, MissingRequirement, nearest

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

__all__ = ["Excel"]


class Excel(Source):
    """A sheet of a workbook: .xlsx, .xlsb, .xls or .ods. The sheet is read into memory.

    Every column comes as text; the contract says what it is. An empty cell is a missing value, and rows without any value are skipped.
    """

    requires: ClassVar[tuple[str, ...]] = ("fastexcel",)
    libraries: ClassVar[tuple[str, ...]] = ("polars", "fastexcel")
    suffixes: ClassVar[tuple[str, ...]] = (".xlsx", ".xlsb", ".xls", ".ods")

    path: InputPath = Field(description="the workbook, or its URL")
    sheet: str | None = Field(default=None, min_length=1, description="name of the sheet; the first one when it is not given")
    skip: int = Field(default=0, ge=0, description="rows above the one that names the columns")

    def fingerprint(self) -> str:
        """Digest of the file's content; for one at a URL, what its store says of it."""
        return content_digest(found(self.path))

    def watched(self) -> tuple[Path, ...] | None:
        """The workbook."""
        return watched(self.path)

    def scan(self) -> pl.LazyFrame:
        """The rows of the sheet, as text."""
        import polars as pl

        rows = self._read(self._file())
        if not rows.height:
            raise DataError(
                f"source.path: {self.path} has a sheet without rows", hint="Name the sheet (source.sheet), and how many rows to skip (source.skip)."
            )
        return rows.lazy().filter(~pl.all_horizontal(pl.all().is_null()))

    def _file(self) -> File:
        files = found(self.path)
        if len(files) > 1:
            raise DataError(f"source.path: {self.path} is {len(files)} workbooks, and one is read at a time", hint="Name one of them.")
        return files[0].file()

    def _read(self, file: File) -> pl.DataFrame:
        import polars as pl

        try:
            import fastexcel
        except ImportError:
            raise MissingRequirement("source/excel needs fastexcel", hint="pip install 'mlforge[excel]'") from None
        try:
            book = fastexcel.read_excel(file.path.read_bytes())
            if self.sheet is not None and self.sheet not in book.sheet_names:
                there = f"it has {', '.join(book.sheet_names[:10])}"
                raise DataError(f"source.sheet: {file} has no sheet {self.sheet!r}; {there}", hint=nearest(self.sheet, book.sheet_names))
            rows = book.load_sheet(self.sheet or 0, header_row=self.skip, dtypes="string").to_polars()
        except fastexcel.FastExcelError as error:
            told = str(error).splitlines()[0][:200]
            raise DataError(f"source.path: {file} cannot be read as a workbook: {told}", hint="Is it the right file, and whole?") from None
        return rows.select(pl.all().replace("", None))
