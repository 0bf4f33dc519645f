"""Whom a project trusts: it signs what is registered, and says of a bundle who has signed it, or why nobody has whose signature counts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from mlforge.errors import RecipeError
from mlforge.signing.envelope import LARGEST, Envelope, sealed
from mlforge.signing.keys import PrivateKey, PublicKey
from mlforge.signing.refusal import Untrusted
from mlforge.signing.settings import Signing, TrustedKey
from mlforge.signing.statement import SIGNATURE, Subject, files_of, said, stated

__all__ = ["Signed", "Trust"]

_SHOWN = 12  # characters of a key's name


@dataclass(frozen=True, slots=True)
class Signed:
    """A signature that counts."""

    by: str  # the key's name in the settings
    key: str  # its digest
    subject: Subject
    files: Mapping[str, str]  # sha256 by name

    def __str__(self) -> str:
        return f"{self.by} ({self.key[:_SHOWN]})"


@dataclass(frozen=True)
class Trust:
    """The keys of a project's settings, read when they are needed."""

    settings: Signing = field(default_factory=Signing)
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def __bool__(self) -> bool:
        """Does the project sign."""
        return bool(self.settings.trusted)

    @cached_property
    def _keys(self) -> Mapping[str, tuple[TrustedKey, PublicKey]]:
        found: dict[str, tuple[TrustedKey, PublicKey]] = {}
        for one in self.settings.trusted:
            public = PublicKey.read(one.file, f"signing.trusted.{one.name}")
            if public.ident in found:
                raise RecipeError(f"signing.trusted.{one.name}: it is the same key as {found[public.ident][0].name}", hint="Leave one of them out.")
            found[public.ident] = (one, public)
        return found

    def trusted(self) -> Iterator[tuple[TrustedKey, PublicKey]]:
        """All that are trusted, those whose time is over too. Raises RecipeError for one that cannot be read."""
        yield from self._keys.values()

    def named(self, ident: str) -> str:
        """How people call a key."""
        return f"{self._keys[ident][0].name} ({ident[:_SHOWN]})" if ident in self._keys else f"unknown ({ident[:_SHOWN]})"

    def signer(self) -> PrivateKey | None:
        """The key that signs; None where the settings name none. Raises RecipeError for one that cannot be read, or that the project would not trust."""
        place = self.settings.key
        if place is None:
            return None
        key = PrivateKey.read(place)
        self.accepts(key, f"signing.key: {place}")
        return key

    def accepts(self, key: PrivateKey, what: str) -> None:
        """Raises RecipeError where signatures with this key would not count."""
        ident = key.public.ident
        if ident not in self._keys:
            known = ", ".join(self.named(one) for one in self._keys)
            raise RecipeError(f"{what} is {ident[:_SHOWN]}, which is not trusted; trusted are {known}", hint="Add its public half to signing.trusted.")
        if self._late(self._keys[ident][0]):
            raise RecipeError(f"{what} is {self.named(ident)}, whose time is over", hint="Sign with another key.")

    def sign(self, folder: Path, subject: Subject, key: PrivateKey) -> Envelope:
        """Sign what lies in a bundle's folder as this version."""
        files = files_of(folder)
        if link := next((name for name, digest in files.items() if not digest), None):
            raise Untrusted(f"{folder / link} is no plain file, so nothing was signed")
        return sealed(stated(files, subject), key)

    def verify(self, folder: Path, texts: Iterable[str], subject: Subject | None = None, *, how: str = "") -> Signed:
        """Who has signed this folder, as this version where one is named. Raises Untrusted with the reason that stands against each signature.

        `how` is what to type so that it is signed.
        """
        reasons = []
        for text in texts:
            found = self._judged(text, folder, subject)
            if isinstance(found, Signed):
                return found
            reasons.append(found)
        what = str(subject or folder)
        trusted = ", ".join(self.named(ident) for ident in self._keys)
        why = f"its signature does not count: {'; '.join(reasons[:3])}" if reasons else "nobody has signed it"
        raise Untrusted(f"{what} is not opened: {why}. This project trusts {trusted}.", hint=f"If you trust it: {how}" if how else "")

    def verify_folder(self, folder: Path) -> Signed:
        """The same for a bundle with its signature beside it, in `model.sig`."""
        try:
            with (folder / SIGNATURE).open(encoding="utf-8", errors="replace") as file:
                texts = [file.read(LARGEST + 1)]
        except OSError:
            texts = []
        return self.verify(folder, texts, how=f"mlforge signing export MODEL {folder / SIGNATURE}, from the store that it came from.")

    def _judged(self, text: str, folder: Path, subject: Subject | None) -> Signed | str:
        """A signature that counts, or why it does not."""
        try:
            envelope = Envelope.read(text)
        except ValueError as error:
            return f"it cannot be read, {error}"
        if envelope.key not in self._keys:
            return f"it was made with a key that is not trusted ({envelope.key[:_SHOWN]})"
        trusted, public = self._keys[envelope.key]
        if not public.verifies(envelope.signature, envelope.message):
            return f"it was not made with {trusted.name}, as it says, or what it is under was changed"
        if self._late(trusted):
            return f"signatures of {trusted.name} counted until {trusted.until}"
        try:
            files, signed = said(envelope.statement)
        except ValueError as error:
            return f"of what {trusted.name} has signed, {error}"
        if subject is not None and signed != subject:
            return f"{trusted.name} has signed {signed}{' with another bundle, verdict or card' if str(signed) == str(subject) else ''}, and this is {subject}"
        if (differs := _differs(files, files_of(folder))) is not None:
            return f"{trusted.name} has signed other files: {differs}"
        return Signed(trusted.name, public.ident, signed, files)

    def _late(self, key: TrustedKey) -> bool:
        return key.over is not None and self.clock() >= key.over


def _differs(signed: Mapping[str, str], found: Mapping[str, str]) -> str | None:
    """The first difference between what was signed and what is there."""
    for name in sorted(signed.keys() | found.keys()):
        if signed.get(name) != found.get(name):
            return f"{name} {'is missing' if name not in found else 'was added' if name not in signed else 'was changed'}"
    return None
