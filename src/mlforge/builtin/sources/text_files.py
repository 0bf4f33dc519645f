"""The text_files source."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from mlforge.builtin.sources.codec import plain
from mlforge.builtin.sources.csv import Encoding
from mlforge.builtin.sources.files import content_digest, found, watched
from mlforge.components import InputPath, Source
from mlforge.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

__all__ = ["TextFiles"]


class TextFiles(Source):
    """Text files, cut into windows for a language model; one file or several by a glob, here or at a URL.

    Columns: `document` (the file's name), `number` (of the window within it, from 0), `text`. One file is in memory at a time.
    """

    libraries: ClassVar[tuple[str, ...]] = ("polars",)

    path: InputPath = Field(description="file, glob such as books/*.txt, or URL such as s3://bucket/*.txt.gz")
    encoding: Encoding = Field(default="utf-8", description="what the text was written in; utf-8-lossy replaces what is no UTF-8 by �, and hides the loss")
    window: int = Field(default=128, ge=4, le=1_048_576, description="bytes of a row's text at most, in UTF-8; whole characters")

    def fingerprint(self) -> str:
        """Digest of the files' content; for those at a URL, what their store says of it."""
        return content_digest(found(self.path))

    def watched(self) -> tuple[Path, ...] | None:
        """The files, and for a glob the folder in which others could come to match."""
        return watched(self.path)

    def scan(self) -> pl.LazyFrame:
        """The windows, file after file in the order of their names."""
        import polars as pl

        return pl.concat(list(self._frames())).lazy()

    def batches(self, rows: int) -> Iterator[pl.DataFrame]:
        """The windows in frames of so many rows, with one file in memory at a time."""
        import polars as pl

        waiting: list[pl.DataFrame] = []
        for frame in self._frames():
            waiting.append(frame)
            if sum(len(part) for part in waiting) >= rows:
                joined = pl.concat(waiting)
                whole = len(joined) // rows * rows
                yield from joined[:whole].iter_slices(rows)
                waiting = [joined[whole:]]
        if waiting and len(joined := pl.concat(waiting)):
            yield joined

    def _frames(self) -> Iterator[pl.DataFrame]:
        from mlforge.builtin.sources.windows import framed

        for one in found(self.path):
            file = plain(one, self.encoding)
            try:
                text = file.path.read_bytes().decode("utf-8", "replace" if self.encoding == "utf-8-lossy" else "strict")
            except UnicodeDecodeError as error:
                hint = "Say what it was written in: source.encoding=…"
                raise DataError(f"source.path: {file} is no utf-8: {error.reason} at offset {error.start:,}", hint=hint) from None
            yield framed([(one.name.rpartition("/")[2], text)], self.window)
