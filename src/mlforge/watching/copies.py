"""Retention of the rows that retrainings learned from."""

from __future__ import annotations

import shutil
from pathlib import Path

from mlforge.store import Store

__all__ = ["clear", "copy_of"]

_KEPT = 3  # of the retrainings that are over, the last so many


def copy_of(store: Store, model: str, number: int) -> Path:
    """The folder of one retraining: its rows, and what its run said."""
    return store.state / "retraining" / model / str(number)


def clear(store: Store, model: str) -> list[int]:
    """Remove the copies of retrainings that are over, but for the last few; their numbers.

    Kept are also those of versions that an alias points at, which `mlforge reproduce` may be asked to make again, and of retrainings that wait for somebody.
    """
    place = store.state / "retraining" / model
    there = {int(path.name) for path in place.iterdir() if path.name.isdigit()} if place.is_dir() else set()
    told = {one.number: one for one in store.triggers.of(model)}
    served = {version.version for version in store.registry.versions(model) if version.aliases}
    over = [number for number in sorted(there) if number in told and told[number].state not in ("begun", "waiting")]
    gone = [number for number in over[:-_KEPT] if told[number].version not in served]
    for number in gone:
        shutil.rmtree(place / str(number), ignore_errors=True)
    return gone
