"""What a server is asked to serve: a version of a model, and where its bundle lies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["Offer"]


@dataclass(frozen=True, slots=True)
class Offer:
    """One version of one model on this machine's disk."""

    model: str
    version: int  # 0 for a bundle that no store has registered
    digest: str  # of the artifact, or of the bundle's description
    folder: Path  # the bundle
    alias: str = ""  # by which it was asked for, if by one
    reference: Path | None = None  # what its live rows are held against, if anything
    described: str = ""  # sha256 of the bundle's description when it was verified: who opens it later opens the same, or nothing

    def __str__(self) -> str:
        return f"{self.model} {self.version}" if self.version else self.model
