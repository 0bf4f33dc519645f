"""A file without a name: what a source must have on a disk while it reads, and nobody else is to find."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO

from mlforge.errors import RunFailed

__all__ = ["Spool"]

_DESCRIPTORS = Path("/proc/self/fd")


class Spool:
    """Bytes on the disk that go with this process, also when it is killed: where the system allows, the file never has a name.

    It lies in the folder for temporary files (`TMPDIR`), readable to this user only.
    """

    def __init__(self, blocks: Iterable[bytes], what: str) -> None:
        nameless = _DESCRIPTORS.is_dir()
        try:
            self._file: IO[bytes] = tempfile.TemporaryFile() if nameless else tempfile.NamedTemporaryFile()  # noqa: SIM115 - open as long as this is
        except OSError as error:
            raise _unwritable(what, error) from None
        try:
            for block in blocks:
                self._write(block, what)
            self._file.flush()
        except BaseException:
            self._file.close()
            raise
        self.path = _DESCRIPTORS / str(self._file.fileno()) if nameless else Path(self._file.name)

    def close(self) -> None:
        """Give the bytes up."""
        self._file.close()

    def _write(self, block: bytes, what: str) -> None:
        try:
            self._file.write(block)
        except OSError as error:
            raise _unwritable(what, error) from None


def _unwritable(what: str, error: OSError) -> RunFailed:
    told = f"{what} cannot be kept in {tempfile.gettempdir()} while it is read: {error.strerror or error}"
    return RunFailed(told, hint="Point TMPDIR at a disk with room for it.")
