"""Stores to test with: on SQLite, and on a PostgreSQL of our own that runs for the session."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.servers import postgres, postgres_url

from mlforge.store import Store

__all__ = ["postgres", "postgres_url"]


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where records may lie: each in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'records.db'}"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def store(url: str, tmp_path: Path) -> Iterator[Store]:
    """A new store, on SQLite and on PostgreSQL."""
    opened = Store.open(url, tmp_path / "state")
    yield opened
    opened.close()


@pytest.fixture
def draft(tmp_path: Path) -> Callable[..., Path]:
    """Makes drafts: `draft(a="text", b=b"bytes")`, with `__` for a slash in a name."""

    def make(**files: str | bytes) -> Path:
        folder = tmp_path / "drafts" / uuid.uuid4().hex
        folder.mkdir(parents=True)
        for name, content in files.items():
            path = folder / name.replace("__", "/")
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return folder

    return make
