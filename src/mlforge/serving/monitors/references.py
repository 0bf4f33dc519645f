"""The reference that a version's live rows are compared with."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from mlforge.errors import DataError, RecipeError

if TYPE_CHECKING:
    from mlforge.store import Store
    from mlforge.store.entries import Version

__all__ = ["watched_by"]

log = logging.getLogger(__name__)


def watched_by(store: Store, version: Version) -> Path | None:
    """The folder of its reference; None where its recipe has no monitors, or it is damaged, which is told and is no reason not to serve."""
    from mlforge.monitoring.monitor_set import reference_of

    try:
        return reference_of(store, version).folder
    except RecipeError:
        return None
    except DataError as error:
        log.warning("%s is not watched: %s", version, error)
        return None
