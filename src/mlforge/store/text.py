"""Values as the text that is written to the records: the same text for the same value, without secrets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from mlforge.secrets import mask

__all__ = ["now", "to_text"]


def now() -> str:
    """The time, as ISO 8601 in UTC: sorted as text, it is sorted by time."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def to_text(value: Any) -> str:
    """Canonical JSON. Secrets are masked in the strings: in the finished text, a secret that is a number would break the JSON around it."""
    return json.dumps(_masked(value), sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, Mapping):
        return {mask(str(key)): _masked(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_masked(item) for item in (sorted(value) if isinstance(value, set | frozenset) else value)]
    return value if value is None or isinstance(value, bool | int | float) else mask(str(value))
