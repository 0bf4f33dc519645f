"""What an artifact consists of: every file with its digest. The digest of the manifest is the artifact's."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from mlforge.errors import RunFailed

__all__ = ["MANIFEST", "Entry", "Manifest", "is_digest"]

MANIFEST = "manifest.json"
_DIGEST = re.compile(r"[0-9a-f]{64}")


def is_digest(text: str) -> bool:
    """Is this an artifact's name? Anything else, such as a path, never reaches the file system."""
    return _DIGEST.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of an artifact."""

    name: str  # relative, with slashes
    sha256: str
    size: int  # bytes


@dataclass(frozen=True, slots=True)
class Manifest:
    """The files of an artifact, sorted by name."""

    entries: tuple[Entry, ...]

    @classmethod
    def of_draft(cls, folder: Path) -> Manifest:
        """The manifest of a folder as it is now, before it is published."""
        if (folder / MANIFEST).exists():
            raise RunFailed(f"{folder.name} holds a file {MANIFEST}.", hint="That name is the store's own; let the stage choose another.")
        return cls(tuple(Entry(name, _sha256(path), path.stat().st_size) for name, path in _files(folder)))

    @classmethod
    def parse(cls, content: bytes, digest: str) -> Manifest:
        """The manifest of the artifact `digest`; `RunFailed` when it is not what was published."""
        if hashlib.sha256(content).hexdigest() != digest:
            raise corrupt(digest, MANIFEST, "its digest is another")
        files = json.loads(content)["files"]
        for name in files:
            if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
                raise corrupt(digest, name, "it would lie outside the artifact")
        return cls(tuple(Entry(name, files[name]["sha256"], files[name]["size"]) for name in sorted(files)))

    def content(self) -> bytes:
        """The bytes of `manifest.json`: the same for the same files."""
        files = {entry.name: {"sha256": entry.sha256, "size": entry.size} for entry in self.entries}
        return (json.dumps({"files": files}, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()

    @property
    def digest(self) -> str:
        """The artifact's name."""
        return hashlib.sha256(self.content()).hexdigest()

    def check(self, folder: Path) -> None:
        """Compare a folder with the manifest, every byte; `RunFailed` names the first file that differs."""
        digest = self.digest
        found = dict(_files(folder))
        for entry in self.entries:
            path = found.pop(entry.name, None)
            if path is None:
                raise corrupt(digest, entry.name, "it is missing")
            if path.stat().st_size != entry.size:
                raise corrupt(digest, entry.name, f"it has {path.stat().st_size} bytes where {entry.size} were published")
            if _sha256(path) != entry.sha256:
                raise corrupt(digest, entry.name, "its content was changed")
        for name in sorted(found.keys() - {MANIFEST}):
            raise corrupt(digest, name, "it was not published with it")


def corrupt(digest: str, name: str, what: str) -> RunFailed:
    """The error for an artifact that is not what was published."""
    return RunFailed(
        f"Artifact {digest[:12]} is damaged: {name}: {what}.",
        hint=f"Remove the artifact's folder (its name begins with {digest[:12]}); `mlforge run` with the same recipe makes it again, byte for byte.",
    )


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Every file under a folder by its relative name, sorted. Links and devices are no content."""
    found = []
    for root, folders, names in os.walk(folder):
        for path in (Path(root, name) for name in (*names, *folders)):
            if path.is_symlink() or not (path.is_file() or path.is_dir()):
                raise RunFailed(f"{path.relative_to(folder)} is a link or a device.", hint="An artifact holds plain files; let the stage write a copy.")
        found += [Path(root, name) for name in names]
    yield from sorted((path.relative_to(folder).as_posix(), path) for path in found)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
