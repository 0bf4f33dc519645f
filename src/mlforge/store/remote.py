"""Artifacts on an object store, which has no rename: files first, the manifest last."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

from mlforge.errors import MissingRequirement, RunFailed
from mlforge.runtime.file_systems import file_system
from mlforge.store.artifacts import Artifacts, missing
from mlforge.store.disk import explained
from mlforge.store.local import LocalArtifacts
from mlforge.store.manifest import MANIFEST, Manifest, is_digest

__all__ = ["RemoteArtifacts"]


class RemoteArtifacts(Artifacts):
    """Artifacts at a URL. An artifact without its manifest is not there; a verified local copy is kept of what is read."""

    def __init__(self, system: Any, root: str, cache: Path) -> None:
        self._system = system  # an fsspec file system: fsspec has no types
        self._root = root.rstrip("/")
        self._cache = LocalArtifacts(cache)

    @classmethod
    def at(cls, url: str, cache: Path) -> RemoteArtifacts:
        """Artifacts at `url`; `MissingRequirement` when the package for its scheme is not installed."""
        scheme = url.partition("://")[0]
        try:
            system, root = file_system(url)
        except ImportError as error:
            raise MissingRequirement(f"Artifacts at {scheme}:// need a package that is missing: {error}.", hint=f"pip install 'fsspec[{scheme}]'") from error
        except ValueError as error:
            raise MissingRequirement(
                f"Artifacts cannot lie at {url}: {error}.", hint="Use a folder, or a URL that fsspec knows, such as s3://bucket/folder."
            ) from error
        return cls(system, root, cache)

    def publish(self, draft: Path) -> str:
        """Files first, manifest last: until then the artifact is not there."""
        manifest = Manifest.of_draft(draft)
        digest = manifest.digest
        if not self.has(digest):
            try:
                for entry in manifest.entries:
                    self._system.put_file(str(draft / entry.name), self._at(digest, entry.name))
                self._commit(digest, manifest)
            except OSError as error:
                raise explained(error, Path(self._root) / digest) from error
        shutil.rmtree(draft, ignore_errors=True)
        return digest

    def has(self, digest: str) -> bool:
        """Is there a manifest? It is written last."""
        return is_digest(digest) and bool(self._system.isfile(self._at(digest, MANIFEST)))

    def path(self, digest: str) -> Path:
        """A local copy, compared with the manifest when it was fetched."""
        if not self._cache.has(digest):
            self._fetch(digest)
        return self._cache.path(digest)

    def digests(self) -> list[str]:
        """Every artifact that is there, sorted."""
        self._system.invalidate_cache(self._root)  # other processes publish too
        if not self._system.isdir(self._root):
            return []
        names = [str(name).rstrip("/").rpartition("/")[2] for name in self._system.ls(self._root, detail=False)]
        return sorted(name for name in names if self.has(name))

    def remove(self, digest: str) -> None:
        """The manifest first, so that nobody sees a part of it."""
        if self.has(digest):
            self._system.rm_file(self._at(digest, MANIFEST))
            with suppress(FileNotFoundError):
                self._system.rm(self._at(digest), recursive=True)
        self._cache.remove(digest)

    def verify(self, digest: str) -> None:
        """Fetch it anew and compare every file."""
        self._cache.remove(digest)
        self._fetch(digest)

    def sweep(self) -> int:
        """Remove what dead processes left in the local copy. Uploads that were cut off stay, unseen, until the same content is published."""
        return self._cache.sweep()

    def _at(self, digest: str, name: str = "") -> str:
        return "/".join(part for part in (self._root, digest, name) if part)

    def _commit(self, digest: str, manifest: Manifest) -> None:
        with suppress(FileExistsError):  # another process was faster with the same content
            self._system.pipe_file(self._at(digest, MANIFEST), manifest.content(), mode="create")

    def _fetch(self, digest: str) -> None:
        if not self.has(digest):
            raise missing(digest)
        manifest = Manifest.parse(self._system.cat_file(self._at(digest, MANIFEST)), digest)
        draft = self._cache.aside()
        try:
            draft.mkdir()
            for entry in manifest.entries:
                target = draft / entry.name
                target.parent.mkdir(parents=True, exist_ok=True)
                self._system.get_file(self._at(digest, entry.name), str(target))
            manifest.check(draft)
            self._cache.publish(draft)
        except FileNotFoundError as error:
            raise RunFailed(f"Artifact {digest[:12]} is damaged: {error}.", hint="Remove it and give the same command again.") from error
        except OSError as error:
            raise explained(error, draft) from error
        finally:
            shutil.rmtree(draft, ignore_errors=True)
