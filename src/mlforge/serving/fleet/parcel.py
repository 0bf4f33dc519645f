"""Bundles as bytes, for machines that share no folder with this one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from mlforge.errors import DataError

__all__ = ["Parcel"]


@dataclass(frozen=True, slots=True)
class Parcel:
    """A folder's files, by their names in it."""

    files: Mapping[str, bytes]

    @classmethod
    def packed(cls, folder: Path) -> Self:
        """A bundle as it lies on the disk. Whoever unpacks it holds it against its digests."""
        return cls({path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()})

    def unpacked(self, into: Path) -> Path:
        """The same folder elsewhere. Raises DataError for a name that would lead out of it."""
        for name, content in self.files.items():
            path = into / name
            if not path.resolve().is_relative_to(into.resolve()):
                raise DataError(f"a file of a bundle is called {name!r}, which leads out of it")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return into
