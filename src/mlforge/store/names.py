"""Names of models, versions and aliases in a local store, for those who cannot wait for it to be opened: a shell that completes a word."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

__all__ = ["models", "versions"]

_PATIENCE = 0.1  # seconds for somebody who is writing


def models(state: Path) -> Iterator[tuple[str, int]]:
    """Each model with its number of versions; none when there is no store, or it cannot be read just now."""
    yield from ((str(name), int(count)) for name, count in _rows(state, "SELECT model, count(*) FROM versions GROUP BY model ORDER BY model"))


def versions(state: Path, model: str) -> Iterator[tuple[str, str]]:
    """The aliases and versions of a model, each with a line on it."""
    for alias, version in _rows(state, "SELECT alias, version FROM aliases WHERE model = ? ORDER BY alias", model):
        yield str(alias), f"version {version}"
    for version, created in _rows(state, "SELECT version, created FROM versions WHERE model = ? ORDER BY version DESC", model):
        yield str(version), f"registered {str(created)[:10]}"


def _rows(state: Path, query: str, *values: str) -> list[Any]:
    path = state / "records.db"
    if not path.is_file():
        return []
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=_PATIENCE)) as database:
            return database.execute(query, values).fetchall()
    except sqlite3.Error:
        return []
