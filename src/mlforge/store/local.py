"""Artifacts on a file system: written aside, brought to the disk, renamed."""

from __future__ import annotations

import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from mlforge.errors import RunFailed
from mlforge.store.artifacts import Artifacts, missing
from mlforge.store.disk import Disk, explained
from mlforge.store.manifest import MANIFEST, Manifest, is_digest
from mlforge.store.owner import Owner

__all__ = ["LocalArtifacts"]

_ABANDONED = 7 * 86400.0  # seconds after which what a process on another machine left is taken for dead
_PREFIX = "tmp-"


class LocalArtifacts(Artifacts):
    """One folder per artifact, named by its digest, beside `tmp-…` folders of what is being published."""

    def __init__(self, root: Path, disk: Disk | None = None) -> None:
        self._root = root
        self._disk = disk or Disk()
        try:
            root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise explained(error, root) from error

    def publish(self, draft: Path) -> str:
        """Publish by hard links, so that the draft is untouched until the artifact is there."""
        manifest = Manifest.of_draft(draft)
        digest = manifest.digest
        if not self._intact(digest):
            staged = self.aside()
            try:
                self._stage(draft, manifest, staged)
                self._enter(staged, digest)
            except OSError as error:
                raise explained(error, self._root) from error
            finally:
                shutil.rmtree(staged, ignore_errors=True)
        shutil.rmtree(draft, ignore_errors=True)
        return digest

    def has(self, digest: str) -> bool:
        """Is there a manifest? It is renamed into place with everything else."""
        return is_digest(digest) and (self._root / digest / MANIFEST).is_file()

    def path(self, digest: str) -> Path:
        """The folder itself."""
        if not self.has(digest):
            raise missing(digest)
        return self._root / digest

    def digests(self) -> list[str]:
        """Every artifact that is there, sorted."""
        return sorted(path.name for path in self._root.iterdir() if self.has(path.name))

    def remove(self, digest: str) -> None:
        """Rename it away first, so that nobody sees a part of it."""
        if self.has(digest):
            aside = self.aside()
            (self._root / digest).rename(aside)
            shutil.rmtree(aside)

    def verify(self, digest: str) -> None:
        """Compare every file with the manifest."""
        folder = self.path(digest)
        Manifest.parse((folder / MANIFEST).read_bytes(), digest).check(folder)

    def sweep(self) -> int:
        """Remove the `tmp-…` folders of processes that no longer run."""
        dead = [path for path in self._root.glob(f"{_PREFIX}*") if _dead(path)]
        for path in dead:
            shutil.rmtree(path, ignore_errors=True)
        return len(dead)

    def aside(self) -> Path:
        """A new name for something half-done: it is swept away when this process is dead."""
        return self._root / f"{_PREFIX}{Owner.current()}~{uuid4().hex[:12]}"

    def _intact(self, digest: str) -> bool:
        """Is it there already, undamaged? A damaged one is put out of the way, since the draft can replace it."""
        if not self.has(digest):
            return False
        try:
            self.verify(digest)
        except RunFailed:
            self.remove(digest)
            return False
        return True

    def _stage(self, draft: Path, manifest: Manifest, staged: Path) -> None:
        """Everything under another name, and on the disk."""
        disk, written, folders = self._disk, [staged / MANIFEST], [staged]
        disk.mkdir(staged)
        for entry in manifest.entries:
            target = staged / entry.name
            for folder in reversed(target.relative_to(staged).parents[:-1]):
                if staged / folder not in folders:
                    disk.mkdir(staged / folder)
                    folders.append(staged / folder)
            disk.take(draft / entry.name, target)
            written.append(target)
        disk.write(staged / MANIFEST, manifest.content())
        for path in written:
            disk.seal(path)
        with ThreadPoolExecutor(max_workers=8) as pool:  # side by side: the file system then writes its journal once, not once a file
            list(pool.map(disk.fsync, [*written, *folders]))

    def _enter(self, staged: Path, digest: str) -> None:
        """The one step that makes it visible. Another process may have been faster with the same content."""
        try:
            self._disk.rename(staged, self._root / digest)
        except OSError:
            if not self.has(digest):
                raise
        self._disk.fsync(self._root)


def _dead(path: Path) -> bool:
    owner = Owner.parse(path.name.removeprefix(_PREFIX).partition("~")[0])
    if owner is None or not owner.alive():
        return True
    with suppress(OSError):
        return owner != Owner.current() and time.time() - path.stat().st_mtime > _ABANDONED
    return False
