"""How the supervisor calls what monitors have found, when it tells its workers."""

from __future__ import annotations

__all__ = ["KIND"]

KIND = "monitors"
