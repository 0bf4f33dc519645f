"""The error for what nobody who is trusted has signed."""

from __future__ import annotations

from mlforge.errors import GateRefused

__all__ = ["Untrusted"]


class Untrusted(GateRefused):
    """The project signs, and a bundle bears no signature that counts: it is not opened."""
