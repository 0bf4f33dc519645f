"""Parts of findings' names that come from data."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["slug", "slugs"]

_LONGEST = 60  # characters


def slug(name: str) -> str:
    """A group's name as a part of a finding's: no slash and no space."""
    return "_".join(name.replace("/", "|").split())[:_LONGEST] or "empty"


def slugs(names: Sequence[str]) -> list[str]:
    """Of several names, each its own: those that would be the same are numbered."""
    made = [slug(name) for name in names]
    return [text if made.count(text) == 1 else f"{text}~{number}" for number, text in enumerate(made)]
