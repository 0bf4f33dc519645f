"""Where a server's log lies: the folders and names of its files, and its own columns. `docs/howto/request_log.md` says it in words."""

from __future__ import annotations

import os
import secrets
from datetime import UTC, datetime
from typing import Literal

__all__ = ["FEEDBACK", "ID", "LABEL", "LANE", "LATENCY", "REQUESTS", "ROW", "SUFFIX", "TIME", "VERSION", "Part", "file_name", "folder", "written_at"]

Part = Literal["requests", "feedback"]
REQUESTS: Part = "requests"
FEEDBACK: Part = "feedback"
SUFFIX = ".parquet"

ID, ROW, TIME, VERSION, LANE, LATENCY = "__id", "__row", "__time", "__version", "__lane", "__latency_ms"
LABEL = "label"

_STAMP = "%Y%m%dT%H%M%S.%fZ"


def folder(part: Part, model: str, version: int | None, day: datetime) -> str:
    """Below the log's path."""
    parts = [part, model, *([] if version is None else [str(version)]), f"{day:%Y-%m-%d}"]
    return "/".join(parts)


def file_name(now: datetime) -> str:
    """Of a file that is written now, by this process. Names sort by time, and no two processes make the same."""
    return f"{now.astimezone(UTC):{_STAMP}}-{os.getpid():x}{secrets.token_hex(3)}{SUFFIX}"


def written_at(name: str) -> datetime | None:
    """When the file of that name was written; None when it is not one of the log's."""
    stamp = name.rpartition("/")[2].partition("-")[0]
    try:
        return datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC)
    except ValueError:
        return None
