"""How a file of delimited text is written: enough of a parser to read its head, and to say which line is broken.

Rows themselves are read by Polars; this one is strict, slow, and used where Polars has no answer.
"""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TextIO

from mlforge.builtin.sources.files import File
from mlforge.errors import DataError

__all__ = ["Dialect"]

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Dialect:
    """Separator, quote, comment prefix, and what to do with bytes that are no UTF-8 (as `open` names it)."""

    separator: str
    quote: str | None
    comment: str | None
    errors: str

    def head(self, path: File) -> list[list[str]]:
        """The first two records. Raises DataError when there is none, or when they are no text."""
        try:
            with self._opened(path) as file:
                records = [fields for _, fields in islice(self._records(file), 2)]
        except UnicodeDecodeError:
            raise self._undecodable(path) from None
        except csv.Error as error:
            raise DataError(f"source.path: {path}, line 1: {error}", hint="Is it delimited text?") from None
        if not records:
            raise DataError(f"source.path: {path} is empty", hint="Is it the right file?")
        return records

    def evidently_sound(self, path: File) -> bool:
        """Does Arrow's parser, strict about the number of fields and fast, have no objection. (It names no line when it has, and does not look at encoding.)"""
        import pyarrow as pa
        from pyarrow import csv as arrow

        if self.comment or self.errors != "strict":
            return False  # which it does not know
        parsing = arrow.ParseOptions(delimiter=self.separator, quote_char=self.quote or False, newlines_in_values=True)
        try:
            for _ in arrow.open_csv(path.path, parse_options=parsing, convert_options=arrow.ConvertOptions(include_columns=[])):
                pass
        except pa.ArrowException:
            return False
        return True

    def _check_each(self, path: File, width: int) -> None:
        with self._opened(path) as file:
            for number, fields in self._records(file):
                if len(fields) != width:
                    raise DataError(f"source.path: {path}, line {number} has {_count(len(fields))}, and {width} are expected", hint=self._advice())

    def problem(self, path: File, width: int) -> DataError | None:
        """What is wrong with a file, to the line: also a line that ends too early, which to Polars has empty fields. None when every line has its fields."""
        try:
            self._check_each(path, width)
        except UnicodeDecodeError:
            return self._undecodable(path)
        except csv.Error as error:
            return DataError(f"source.path: {path}: {error}", hint=self._advice())
        except DataError as error:
            return error
        return None

    def odd_quote(self, path: File) -> DataError | None:
        """The first line with a quote that no other closes. None when there is none, or no quoting."""
        with self._opened(path) as file:
            for number, line in enumerate(file, 1):
                if self.quote and line.count(self.quote) % 2:
                    return DataError(f"source.path: {path}, line {number} has a quote that no other closes", hint=self._advice())
        return None

    @contextmanager
    def _opened(self, path: File) -> Iterator[TextIO]:
        try:
            with path.path.open(encoding="utf-8-sig", errors=self.errors, newline="") as file:
                yield file
        except OSError as error:
            raise DataError(f"source.path: {path} cannot be read: {error.strerror}", hint="Look at its permissions.") from None

    def _records(self, file: TextIO) -> Iterator[tuple[int, list[str]]]:
        """Each record with the number of its last line, from 1; comments and blank lines are skipped."""
        lines = _Lines(file, self.comment)
        if self.quote:
            reader = csv.reader(lines, delimiter=self.separator, quotechar=self.quote, strict=True)
        else:
            reader = csv.reader(lines, delimiter=self.separator, quoting=csv.QUOTE_NONE, strict=True)
        for fields in reader:
            if fields:
                yield lines.number, fields
            lines.between = True

    def _undecodable(self, path: File) -> DataError:
        """Which byte of which line is no UTF-8."""
        offset, line = 0, 1
        with path.path.open("rb") as file:
            while block := file.readline(_CHUNK):
                try:
                    block.decode("utf-8")
                except UnicodeDecodeError as error:
                    byte = f"byte 0x{block[error.start]:02x} at offset {offset + error.start:,}"
                    utf16 = offset == 0 and block[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
                    such = "it begins as UTF-16 does: source.encoding=utf-16" if utf16 else "such as source.encoding=latin-1 or cp1252"
                    hint = f"Say what it was written in, {such}. utf-8-lossy would replace such bytes by �."
                    return DataError(f"source.path: {path}, line {line}: {byte} is no UTF-8", hint=hint)
                offset, line = offset + len(block), line + block.count(b"\n")
        return DataError(f"source.path: {path} is no UTF-8")

    def _advice(self) -> str:
        return f"Fields are separated by {self.separator!r} and quoted by {self.quote!r} (source.separator, source.quote). Mend the line, or set these."


class _Lines:
    """The lines of a file, but for comments; what looks like one within a quoted field is none, and that only who reads the fields can tell."""

    def __init__(self, file: TextIO, comment: str | None) -> None:
        self._file, self._comment = file, comment
        self.number, self.between = 0, True  # lines that were read; does the next one begin a record

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        while True:
            line = next(self._file)
            self.number += 1
            if not (self._comment and self.between and line.startswith(self._comment)):
                self.between = False
                return line


def _count(fields: int) -> str:
    return "1 field" if fields == 1 else f"{fields} fields"
