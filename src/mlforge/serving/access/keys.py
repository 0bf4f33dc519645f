"""API keys: made here, shown once, and stored as digests in a file.

A key is `mlforge_<id>_<secret>`, with 256 random bits in its secret. So SHA-256 is enough to keep it by: what makes slow digests needful is that people choose
passwords that can be guessed, and nobody chooses these. The id, which is no secret, finds the entry; the digests are compared in constant time.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mlforge.errors import RecipeError, RunFailed, nearest

__all__ = ["FILE", "PREFIX", "Key", "KeyFile", "digest_of"]

FILE = "keys.json"  # in the project's state folder, unless a server is told otherwise
PREFIX = "mlforge_"
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.@-]*$", max_length=100)]


class Key(BaseModel):
    """One key, without its secret."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Annotated[str, Field(pattern=r"^[0-9a-f]{12}$")]
    name: Name
    scopes: tuple[Literal["predict", "feedback", "metrics", "admin"], ...] = Field(min_length=1)
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    created: datetime
    expires: datetime | None = None
    revoked: datetime | None = None

    def state(self, now: datetime) -> str:
        """How it stands: valid, expired or revoked."""
        if self.revoked is not None:
            return "revoked"
        return "expired" if self.expires is not None and self.expires <= now else "valid"


class _Content(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    keys: tuple[Key, ...] = ()


def digest_of(token: str) -> str:
    """By which a key is kept."""
    return sha256(token.encode()).hexdigest()


class KeyFile:
    """A file of keys: readable by its owner only, and replaced whole, so that a server never sees half of one."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> tuple[Key, ...]:
        """The keys, in the order in which they were made. Raises RecipeError when the file is not there or is something else."""
        try:
            return _Content.model_validate_json(self.path.read_bytes()).keys
        except OSError as error:
            raise RecipeError(f"{self.path}: the keys cannot be read: {error.strerror}", hint="Make one: mlforge keys new NAME --scope predict.") from None
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise RecipeError(
                f"{self.path}: is no file of keys: {where or 'as a whole'}: {first['msg']}", hint="Name a file that mlforge keys has made."
            ) from None

    def add(self, name: str, scopes: tuple[str, ...], expires: datetime | None = None) -> tuple[Key, str]:
        """A new key, and what its owner has to present, which is kept nowhere. Raises RecipeError when a valid key has that name."""
        with self._held():
            keys = self._present()
            if any(key.name == name and key.revoked is None for key in keys):
                raise RecipeError(f"there is a key {name} already", hint=f"Take another name, or take the old one back first: mlforge keys revoke {name}.")
            known = {key.id for key in keys}
            ident = next(ident for ident in iter(lambda: secrets.token_hex(6), None) if ident not in known)
            token = f"{PREFIX}{ident}_{secrets.token_urlsafe(32)}"
            try:
                key = Key(id=ident, name=name, scopes=scopes, sha256=digest_of(token), created=_now(), expires=expires)
            except ValidationError as error:
                raise RecipeError(f"{name!r} cannot be a key's name: {error.errors()[0]['msg']}", hint="Letters, digits and . _ @ - are allowed.") from None
            self._write((*keys, key))
        return key, token

    def revoke(self, named: str) -> Key:
        """Take back the valid key of that name or id; servers notice within a second. Raises RecipeError when there is none."""
        with self._held():
            keys = self.read()
            found = next((key for key in keys if named in (key.name, key.id) and key.revoked is None), None)
            if found is None:
                gone = any(named in (key.name, key.id) for key in keys)
                names = [key.name for key in keys if key.revoked is None]
                raise RecipeError(
                    f"{named} was revoked before" if gone else f"there is no key {named}", hint=nearest(named, names) or "mlforge keys ls shows them."
                )
            revoked = found.model_copy(update={"revoked": _now()})
            self._write(tuple(revoked if key.id == found.id else key for key in keys))
        return revoked

    def _present(self) -> tuple[Key, ...]:
        return self.read() if self.path.exists() else ()

    def _write(self, keys: tuple[Key, ...]) -> None:
        text = json.dumps(_Content(keys=keys).model_dump(mode="json"), indent=1) + "\n"
        aside = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        try:
            with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            aside.replace(self.path)
        except OSError as error:
            aside.unlink(missing_ok=True)
            raise RunFailed(f"{self.path}: the keys cannot be written: {error.strerror}", hint="Look at the folder and its permissions.") from None

    @contextmanager
    def _held(self) -> Iterator[None]:
        """One at a time: two that are made at once are both there afterwards."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            folder = os.open(self.path.parent, os.O_RDONLY)
        except OSError as error:
            raise RunFailed(f"{self.path.parent}: {error.strerror}", hint="Name another file: --file.") from None
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
