"""Files that a source reads: found, in a fixed order, and known by their content or by what their store says of it."""

from __future__ import annotations

import glob
import hashlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mlforge.builtin.sources.digests import digests
from mlforge.errors import DataError, nearest

__all__ = ["File", "Found", "content_digest", "found", "opened", "watched"]


@dataclass(frozen=True, slots=True)
class File:
    """A file that can be read here: its name for people, and where its bytes lie."""

    name: str
    path: Path

    def __str__(self) -> str:
        return self.name


class Found(ABC):
    """A file that is known to be there; its bytes may still have to be fetched."""

    name: str

    @abstractmethod
    def file(self) -> File:
        """The file, readable here."""

    @abstractmethod
    def version(self) -> str | None:
        """What its store says of its content (an etag, a size and time); None when only reading can tell."""


@dataclass(frozen=True, slots=True)
class _Local(Found):
    name: str
    path: Path

    def file(self) -> File:
        return File(self.name, self.path)

    def version(self) -> str | None:
        return None


def found(path: str, where: str = "source.path") -> list[Found]:
    """The files at a path, glob or URL, sorted by name. Raises DataError when there is none, or when it is something else than files."""
    if "://" in path:
        from mlforge.builtin.sources.remote import found_remote

        return list(found_remote(path, where))
    exact = Path(path)
    if exact.is_dir():
        raise DataError(f"{where}: {path} is a folder", hint=f"Name a file, or all of them with a glob: {exact / '*'}")
    if exact.exists():
        return [_Local(path, exact)]
    if not glob.has_magic(path):
        raise DataError(f"{where}: there is no file {path}", hint=nearest(exact.name, _neighbours(exact)) or "Paths in a recipe begin at the project's folder.")
    files = sorted(
        Path(name)
        for name in glob.glob(path, recursive=True)  # noqa: PTH207 - absolute patterns, which Path.glob refuses
        if not Path(name).is_dir()
    )
    if not files:
        raise DataError(f"{where}: no file matches {path}", hint="** stands for any folders, * for any part of a name.")
    return [_Local(str(file), file) for file in files]


def opened(path: str) -> list[File]:
    """The files at a path, glob or URL, readable here."""
    return [one.file() for one in found(path)]


def watched(path: str) -> tuple[Path, ...] | None:
    """The files at a path, with their folder for a glob; None for a URL, and for a glob over folders, where others could come to match unseen."""
    if "://" in path or glob.has_magic(str(Path(path).parent)):
        return None
    files = [one.file().path for one in found(path)]
    return (*files, Path(path).parent) if glob.has_magic(path) else tuple(files)


def content_digest(files: Sequence[Found]) -> str:
    """A digest of what the files contain, in their order; where they lie does not matter, unless their store answers for their content."""
    versions = {one.name: one.version() for one in files}
    unread = [one for one in files if versions[one.name] is None]
    try:
        read = dict(zip((one.name for one in unread), digests([one.file().path for one in unread]), strict=True))
    except OSError as error:
        raise DataError(f"source.path: {error.filename} cannot be read: {error.strerror}", hint="Look at its permissions.") from None
    told = [f"{one.name} {versions[one.name]}" if versions[one.name] is not None else read[one.name] for one in files]
    return hashlib.sha256(" ".join(told).encode()).hexdigest()


def _neighbours(path: Path) -> list[str]:
    try:
        return [entry.name for entry in path.parent.iterdir()][:1000]
    except OSError:
        return []
