"""What lies in a folder, for suites that compare what components write."""

from __future__ import annotations

from pathlib import Path

__all__ = ["files_of"]


def files_of(folder: Path) -> dict[str, bytes]:
    """Every file's bytes, by its name below the folder."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
