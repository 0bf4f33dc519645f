"""The way to the bundle of a registered version, for whoever asks a model: every digest is verified first, and a signature where the project signs."""

from __future__ import annotations

from pathlib import Path

from mlforge.artifact import Bundles
from mlforge.runtime.bundle import DESCRIPTION, description_of
from mlforge.signing import Signed, Subject, Trust, Untrusted
from mlforge.signing.envelope import Envelope
from mlforge.signing.keys import PrivateKey
from mlforge.store.artifacts import Artifacts
from mlforge.store.entries import Version
from mlforge.store.signatures import Signatures

__all__ = ["Vouched"]


class Vouched:
    """Bundles by version. `trust` says whose signatures count; without any, digests alone are verified."""

    def __init__(self, artifacts: Artifacts, signatures: Signatures, trust: Trust) -> None:
        self._artifacts, self._signatures, self.trust = artifacts, signatures, trust

    def folder(self, version: Version) -> Path:
        """The bundle that ships. Raises RunFailed when it is damaged, Untrusted when nobody has signed it whose signature counts."""
        return self.opened(version)[0]

    def opened(self, version: Version) -> tuple[Path, str]:
        """The bundle that ships, and the sha256 of its description as it was verified. Raises as `folder` does."""
        self._artifacts.verify(version.bundle)
        folder = self._shipped(version)
        return folder, self._signed(version, folder).files[DESCRIPTION] if self.trust else description_of(folder)

    def signed(self, version: Version) -> Signed | None:
        """Who has signed it; None where the project does not sign. Raises as `folder` does."""
        if not self.trust:
            return None
        self._artifacts.verify(version.bundle)
        return self._signed(version, self._shipped(version))

    def told(self, version: Version) -> str:
        """Who has signed it, in a few words."""
        try:
            found = self.signed(version)
        except Untrusted:
            return "its signature does not count" if self._signatures.of(version) else "not signed"
        return "" if found is None else f"signed by {found}"

    def envelope(self, version: Version) -> str:
        """The newest signature that counts, as other tools read it. Raises as `folder` does."""
        signed = self.signed(version)
        found = self._signatures.of(version)
        return next(one.envelope for one in found if signed is None or one.key == signed.key)

    def made(self, version: Version, key: PrivateKey) -> Envelope:
        """A signature under what the store has as this version, its digests verified first; not kept."""
        self._artifacts.verify(version.bundle)
        return self.trust.sign(self._shipped(version), subject(version), key)

    def _shipped(self, version: Version) -> Path:
        return Bundles(self._artifacts.path(version.bundle)).bundle()

    def _signed(self, version: Version, folder: Path) -> Signed:
        texts = [one.envelope for one in self._signatures.of(version)]
        return self.trust.verify(folder, texts, subject(version), how=f"mlforge signing sign {version.model}@{version.version}, where the key is.")


def subject(version: Version) -> Subject:
    """What is signed of a version besides its files."""
    return Subject(version.model, version.version, version.bundle, version.verdict, version.card or "")
