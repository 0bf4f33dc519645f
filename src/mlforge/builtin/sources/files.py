"""Local files that a source reads: found, in a fixed order, and known by their content."""

from __future__ import annotations

import glob
import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mlforge.errors import DataError, nearest

__all__ = ["content_digest", "found", "watched"]

_known: dict[tuple[str, int, int, int], str] = {}  # digest by path, size, time and inode: one process plans, checks and runs over the same files


def found(path: str) -> list[Path]:
    """The files at a path or glob, sorted. Raises DataError when there is none, or when it is something else than files."""
    if "://" in path:
        raise DataError(f"source.path: {path} is a URL; this source reads local files", hint="Copy the data here, or use a source that reads from there.")
    exact = Path(path)
    if exact.is_dir():
        raise DataError(f"source.path: {path} is a folder", hint=f"Name a file, or all of them with a glob: {exact / '*'}")
    if exact.exists():
        return [exact]
    if not glob.has_magic(path):
        raise DataError(
            f"source.path: there is no file {path}", hint=nearest(exact.name, _neighbours(exact)) or "Paths in a recipe begin at the project's folder."
        )
    files = sorted(
        Path(name)
        for name in glob.glob(path, recursive=True)  # noqa: PTH207 - absolute patterns, which Path.glob refuses
        if not Path(name).is_dir()
    )
    if not files:
        raise DataError(f"source.path: no file matches {path}", hint="** stands for any folders, * for any part of a name.")
    return files


def watched(path: str) -> tuple[Path, ...] | None:
    """The files at a path, with their folder for a glob; None for a glob over folders, where others could come to match unseen."""
    if glob.has_magic(str(Path(path).parent)):
        return None
    return (*found(path), Path(path).parent) if glob.has_magic(path) else tuple(found(path))


def content_digest(files: list[Path]) -> str:
    """A digest of what the files contain, in their order; where they lie does not matter."""
    with ThreadPoolExecutor(max_workers=min(8, len(files))) as pool:
        return hashlib.sha256(" ".join(pool.map(_digest, files)).encode()).hexdigest()


def _digest(path: Path) -> str:
    try:
        stat = path.stat()
        signature = (str(path), stat.st_size, stat.st_mtime_ns, stat.st_ino)
        if signature not in _known:
            with path.open("rb") as file:
                _known[signature] = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataError(f"source.path: {path} cannot be read: {error.strerror}", hint="Look at its permissions.") from None
    return _known[signature]


def _neighbours(path: Path) -> list[str]:
    try:
        return [entry.name for entry in path.parent.iterdir()][:1000]
    except OSError:
        return []
