"""Which versions of mlforge's hooks and kinds a plugin is written for, and whether this mlforge is one of them."""

from __future__ import annotations

__all__ = ["Range", "declared", "objection", "shown"]

Range = tuple[int, int]
"""The oldest and the newest version."""


def declared(value: object) -> Range | None:
    """What a plugin's `MLFORGE_API` says: a version, or the oldest and newest that it works with; None for anything else."""
    versions = value if isinstance(value, (tuple, list)) else (value, value)
    if len(versions) != 2 or not all(isinstance(one, int) and not isinstance(one, bool) and one >= 0 for one in versions):
        return None
    low, high = versions
    return (low, high) if low <= high else None


def objection(wanted: Range, oldest: int, newest: int, plugin: str) -> str:
    """Why the plugin does not fit an mlforge that understands these versions, and what to install; nothing when it fits."""
    low, high = wanted
    if low <= newest and high >= oldest:
        return ""
    here = shown((oldest, newest))
    return f"needs mlforge API {shown(wanted)}, this is {here}: pip install --upgrade {'mlforge' if low > newest else plugin}"


def shown(versions: Range) -> str:
    """As a person reads it: "1", "1–2"."""
    low, high = versions
    return str(low) if low == high else f"{low}–{high}"
