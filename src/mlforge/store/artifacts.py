"""Content-addressed folders: what they can do, wherever they lie."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path

from mlforge.errors import RunFailed

__all__ = ["Artifacts", "open_artifacts"]


class Artifacts(ABC):
    """Folders named by the digest of their manifest; each is there whole or not at all, and never changes."""

    @abstractmethod
    def publish(self, draft: Path) -> str:
        """Take in the content of a folder and give its digest. The draft is gone afterwards; after an error it is as it was, and nothing is published."""

    @abstractmethod
    def has(self, digest: str) -> bool:
        """Is the artifact there, whole?"""

    @abstractmethod
    def path(self, digest: str) -> Path:
        """A local folder with the artifact's content; `RunFailed` when it is not there."""

    @abstractmethod
    def digests(self) -> list[str]:
        """Every artifact that is there, sorted."""

    @abstractmethod
    def remove(self, digest: str) -> None:
        """Forget an artifact; nothing happens when it is not there."""

    @abstractmethod
    def verify(self, digest: str) -> None:
        """Compare every file with the manifest; `RunFailed` names the first one that is not what was published."""

    @abstractmethod
    def sweep(self) -> int:
        """Remove what dead processes left half-done; give how many there were."""


def missing(digest: str) -> RunFailed:
    """The error for an artifact that is not there."""
    return RunFailed(f"Artifact {digest[:12]} is not in the store.", hint="Give the same command again; the stage that makes it runs anew.")


def open_artifacts(url: str | None, state: Path) -> Artifacts:
    """Artifacts in a local folder (default: `artifacts` under `state`) or at any URL that fsspec knows, such as s3://bucket/folder."""
    from mlforge.store.local import LocalArtifacts

    if url is None:
        return LocalArtifacts(state / "artifacts")
    if "://" not in url or url.startswith("file://"):
        return LocalArtifacts(Path(url.removeprefix("file://")))
    from mlforge.store.remote import RemoteArtifacts

    return RemoteArtifacts.at(url, cache=state / "fetched")
