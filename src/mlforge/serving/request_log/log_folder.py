"""The log's files: each is there whole or not at all, and the oldest go when there is no more room."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mlforge.runtime.file_systems import file_system
from mlforge.service.layout import FEEDBACK, REQUESTS, Part, file_name, folder, written_at

__all__ = ["LogFolder"]

_ASIDE = ".part"
_STALE = 3600  # seconds after which a file that was never finished is a dead worker's
_SHARE = 64  # the shelf is looked over whenever this part of its room has been written
_LEFT = 15 / 16  # what is left of a full shelf


class LogFolder:
    """A folder or URL. The file system is connected to at the first write. Raises whatever the file system raises."""

    def __init__(self, path: str, max_size: int) -> None:
        self._url, self._room = path, max_size
        self._place: tuple[Any, str] | None = None
        self._unseen = max_size  # bytes written since the shelf was looked over; it is, at first

    def write(self, part: Part, model: str, version: int | None, data: bytes | memoryview) -> None:
        """Write a new file."""
        now = datetime.now(UTC)
        system, path = self._placed()
        below = f"{path}/{folder(part, model, version, now)}"
        if _local(system):
            _write(Path(below), file_name(now), data)
        else:
            system.pipe_file(f"{below}/{file_name(now)}", bytes(data))
        self._unseen += len(data)
        if self._unseen >= self._room / _SHARE:
            self.prune()

    def prune(self) -> None:
        """Take away the oldest files until there is room. Only files that have the name of a log's are touched."""
        system, path = self._placed()
        sizes: list[tuple[datetime, str, int]] = []
        for part in (REQUESTS, FEEDBACK):
            for name, info in _found(system, f"{path}/{part}").items():
                if (at := written_at(name.removesuffix(_ASIDE).replace("/.", "/"))) is None:
                    continue
                if name.endswith(_ASIDE):
                    if time.time() - at.timestamp() > _STALE:
                        _remove(system, name)
                else:
                    sizes.append((at, name, int(info.get("size") or 0)))
        total = sum(size for _, _, size in sizes)
        if total > self._room:
            for _, name, size in sorted(sizes):
                _remove(system, name)
                total -= size
                if total <= self._room * _LEFT:
                    break
        self._unseen = 0

    def _placed(self) -> tuple[Any, str]:
        if self._place is None:
            system, path = file_system(self._url)
            self._place = system, path.rstrip("/")
        return self._place


def _local(system: Any) -> bool:
    return "file" in ((system.protocol,) if isinstance(system.protocol, str) else system.protocol)


def _write(into: Path, name: str, data: bytes | memoryview) -> None:
    """A file on this machine: aside, synced, renamed."""
    into.mkdir(parents=True, exist_ok=True)
    aside = into / f".{name}{_ASIDE}"
    try:
        with aside.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        aside.rename(into / name)
    except OSError:
        with suppress(OSError):
            aside.unlink()
        raise
    handle = os.open(into, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _found(system: Any, path: str) -> dict[str, Any]:
    system.invalidate_cache()
    try:
        found: dict[str, Any] = system.find(path, detail=True)
    except FileNotFoundError:
        return {}
    return found


def _remove(system: Any, name: str) -> None:
    """Another worker may have been faster."""
    with suppress(FileNotFoundError):
        system.rm_file(name)
    if _local(system):
        with suppress(OSError):  # it has other files, as a rule
            Path(name).parent.rmdir()
