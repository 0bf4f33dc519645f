"""Values that must never be shown: resolved secrets register here, and everything that prints or writes goes through `mask`."""

from __future__ import annotations

__all__ = ["MASK", "forget", "mask", "remember"]

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
