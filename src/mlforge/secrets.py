"""Values that must never be shown: resolved secrets register here, and everything that prints or writes goes through `mask`."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

__all__ = ["MASK", "digest", "forget", "mask", "remember", "remember_passwords"]

MASK = "•••"
_SHORTEST = 3  # shorter values would blot out ordinary text ("1", "no")

_known: set[str] = set()


def remember(value: str) -> None:
    """Mask `value` from now on, wherever it appears in a text."""
    if len(value) >= _SHORTEST:
        _known.add(value)


def forget() -> None:
    """Forget every secret (between two recipes in one process)."""
    _known.clear()


def mask(text: str) -> str:
    """`text` with every known secret replaced, the longest first, so that one secret inside another leaves no rest."""
    for value in sorted(_known, key=len, reverse=True):
        text = text.replace(value, MASK)
    return text


def remember_passwords(text: str) -> None:
    """Mask the passwords of the URLs in a text: postgresql://user:password@host/name."""
    for password in re.findall(r"://[^/@\s:]*:([^/@\s]+)@", text):
        remember(password)


def digest(value: str, salt: Path) -> str:
    """A short digest by which one can tell that a secret has changed, slow to guess from; `salt` is a file of the store, made when it is missing."""
    if not salt.exists():
        salt.parent.mkdir(parents=True, exist_ok=True)
        aside = salt.with_name(f"{salt.name}.{os.getpid()}")
        aside.touch(mode=0o600)
        aside.write_bytes(os.urandom(32))
        aside.replace(salt)
    return hashlib.scrypt(value.encode(), salt=salt.read_bytes(), n=2**14, r=8, p=1, dklen=6).hex()
