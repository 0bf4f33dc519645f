"""What happened to a model, as the page of its monitors marks it: read from the store, so that nobody has to say it again."""

from __future__ import annotations

from collections.abc import Iterator

from mlforge.report.windows import Mark
from mlforge.store import Store
from mlforge.store.entries import AuditEntry
from mlforge.trail.archive import Archive
from mlforge.trail.followed import came_of

__all__ = ["marks"]


def marks(store: Store, model: str) -> list[Mark]:
    """Versions, promotions, rollbacks, retrainings and alerts, the oldest first."""
    archive = Archive(store)
    told = [mark for entry in archive.entries(model) for mark in _marks(entry)]
    told += [
        Mark(one.created, f"retraining {one.number} began ({one.why}): {came_of(one)}", "retraining", f"mlforge why retraining {one.number}")
        for one in store.triggers.of(model)
    ]
    return sorted(told, key=lambda mark: mark.begins)


def _marks(entry: AuditEntry) -> Iterator[Mark]:
    details, version = entry.details, entry.subject.replace(" ", "@")
    reason = f": {details['reason']}" if details.get("reason") else ""
    match entry.event:
        case "registered":
            yield Mark(entry.time, f"{entry.subject} registered as {details.get('alias')}", "version", f"mlforge why {version}")
        case "alias":
            yield Mark(entry.time, f"{entry.subject} {details.get('alias')}, by {entry.actor}{reason}", "champion", f"mlforge why {version}")
        case "rolled_back":
            text = f"{details.get('before')} rolled back to {details.get('version')}, by {entry.actor}{reason}"
            yield Mark(entry.time, text, "rollback", f"mlforge why rollback {entry.number}")
        case "alert":
            text = f"alert {entry.subject}, {str(details.get('finding')).removeprefix('live/')}: {details.get('text')}"
            yield Mark(entry.time, text, "alert", f"mlforge why alert {entry.subject}")
