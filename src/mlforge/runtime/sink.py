"""Where predictions go: a file that is there whole, or not at all.

    with Sink.open(Path("out.csv")) as sink:
        for frame in frames:
            sink.write(frame)
        sink.commit()

Rows are streamed into a file beside the target, which takes the target's name when all is written and on disk. After an error or a kill, and when nobody
commits, the target is what it was.
"""

from __future__ import annotations

import errno
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar, Self

from mlforge.errors import RecipeError, RunFailed, nearest

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Sink"]


class Sink(ABC):
    """A file of rows that is being written; `open` picks the format by the ending .csv, .parquet or .jsonl."""

    suffixes: ClassVar[tuple[str, ...]] = ()

    def __init__(self, target: Path) -> None:
        self.target = target
        self.rows = 0
        self._begun = False
        self._aside = target.with_name(f".{target.name}.{os.getpid()}.part")
        with self._mended():
            self._file: BinaryIO = self._aside.open("xb")

    @staticmethod
    def open(path: Path) -> Sink:
        """A sink for that file. Raises RecipeError for an ending that is not known, RunFailed when the file cannot be written."""
        formats = {suffix: kind for kind in (_Csv, _Parquet, _JsonLines) for suffix in kind.suffixes}
        if path.suffix.lower() not in formats:
            hint = nearest(path.suffix, formats) or f"Known endings: {', '.join(formats)}."
            raise RecipeError(f"sink {path}: the ending {path.suffix or '(none)'} says no format", hint=hint)
        if path.is_dir():
            raise RunFailed(f"sink {path} is a folder", hint="Name a file in it.")
        return formats[path.suffix.lower()](path)

    def write(self, frame: pl.DataFrame) -> None:
        """Append rows; every frame has the same columns."""
        with self._mended():
            self._write(frame)
        self._begun = True
        self.rows += frame.height

    def commit(self) -> None:
        """All rows are written: make the file visible, and see that it survives a loss of power."""
        with self._mended():
            self._finish()
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self._aside.replace(self.target)
            _sync_folder(self.target.parent)

    def abort(self) -> None:
        """Leave the target as it was, and nothing beside it."""
        with suppress(OSError):  # a full disk says so once more here
            self._file.close()
        self._aside.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if not self._file.closed:
            self.abort()

    @abstractmethod
    def _write(self, frame: pl.DataFrame) -> None: ...

    def _finish(self) -> None:  # noqa: B027 - most formats have nothing at their end
        """Write what stands at the end of the format."""

    @contextmanager
    def _mended(self) -> Iterator[None]:
        """What the operating system says, as an error that says what to do; nothing is left beside the target."""
        try:
            yield
        except OSError as error:
            with suppress(OSError):  # there may be no such folder
                self._aside.unlink(missing_ok=True)
            hint = "Make room, or name a sink on another disk." if error.errno in (errno.ENOSPC, errno.EDQUOT) else "Look at the folder and its permissions."
            raise RunFailed(f"sink {self.target} cannot be written: {error.strerror or error}", hint=hint) from None


class _Csv(Sink):
    suffixes = (".csv",)

    def _write(self, frame: pl.DataFrame) -> None:
        self._file.write(frame.write_csv(include_header=not self._begun).encode())


class _JsonLines(Sink):
    suffixes = (".jsonl", ".ndjson")

    def _write(self, frame: pl.DataFrame) -> None:
        self._file.write(frame.write_ndjson().encode())


class _Parquet(Sink):
    suffixes = (".parquet",)
    _writer: Any = None

    def _write(self, frame: pl.DataFrame) -> None:
        import polars as pl
        import pyarrow.parquet as pq

        rows = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._file, rows.schema, compression="zstd")
        self._writer.write_table(rows)

    def _finish(self) -> None:
        if self._writer is None:
            raise RunFailed(f"sink {self.target}: a parquet file needs columns, and no frame was written")
        self._writer.close()

    def abort(self) -> None:
        """Leave the target as it was, and nothing beside it."""
        if self._writer is not None:
            with suppress(OSError):
                self._writer.close()
            self._writer.is_open = False  # else it tries once more when it is forgotten, into a closed file
        super().abort()


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
