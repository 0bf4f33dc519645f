"""The version of the recipe language, and what brings older recipes up to it."""

from __future__ import annotations

from collections.abc import Callable

from mlforge.errors import Origin, Problem
from mlforge.recipe.node import Node

__all__ = ["VERSION", "migrated"]

VERSION = 1


def _zero_to_one(root: Node, shown: str) -> tuple[Node, list[str]]:
    """The drafts before version 1 said `schema:` for `contract:`."""
    old = root.items.get("schema")
    if old is None or "contract" in root.items:
        return root, []
    entries = {("contract" if name == "schema" else name): child for name, child in root.items.items()}
    return root.with_items(entries), [f"{old.place}: `schema:` is called `contract:` since version 1"]


_MIGRATORS: tuple[Callable[[Node, str], tuple[Node, list[str]]], ...] = (_zero_to_one,)
"""Number n brings a recipe from version n to n + 1, and says what it changed."""


def migrated(root: Node, shown: str) -> tuple[Node, tuple[str, ...], list[Problem]]:
    """The recipe in today's language, a report of what was changed, and what is wrong with its stamp."""
    stamp = root.items.get("mlforge")
    if stamp is None:
        return root, (), [Problem("mlforge", "the version of the recipe language is missing", Origin(shown, 1, 1), hint=f"Write `mlforge: {VERSION}`.")]
    version = stamp.value
    if isinstance(version, bool) or not isinstance(version, int) or version < 0:
        return root, (), [Problem("mlforge", f"{stamp.plain()!r} is not a version of the recipe language", stamp.origin, hint=f"Write `mlforge: {VERSION}`.")]
    if version > VERSION:
        said = f"version {version} of the recipe language, and this mlforge knows up to {VERSION}"
        return root, (), [Problem("mlforge", said, stamp.origin, hint="Upgrade: pip install -U mlforge.")]
    report: list[str] = []
    for migrate in _MIGRATORS[version:]:
        root, lines = migrate(root, shown)
        report += lines
    if version < VERSION:
        report.append(f"{stamp.place}: version {version} was read as version {VERSION}; write `mlforge: {VERSION}` when you have made these changes")
    return root, tuple(report), []
