"""What plugins answered, kept between two commands: one small file in the user's cache folder."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import mlforge
from mlforge.hookspecs import API

__all__ = ["environment", "load", "save", "stamp"]

_FORMAT = 2


def folder() -> Path:
    """The user's cache folder for mlforge; OSError for a user without a home, as containers have."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    if Path(base).is_absolute():
        return Path(base) / "mlforge"
    try:
        return Path.home() / ".cache" / "mlforge"
    except RuntimeError as error:
        raise FileNotFoundError(str(error)) from None


def stamp(path: str) -> list[int] | None:
    """A file's or folder's time and size; None when it is not there."""
    try:
        status = os.stat(path)  # noqa: PTH116 - many of these on the way to every command, and Path costs as much again
    except OSError:
        return None
    return [status.st_mtime_ns, status.st_size]


def environment(key: tuple[str, ...]) -> str:
    """A name for this Python and `key`, under which answers are kept."""
    from hashlib import blake2b

    text = json.dumps([_FORMAT, mlforge.__version__, API, sys.version, sys.prefix, sys.path, list(key)])
    return blake2b(text.encode(), digest_size=12).hexdigest()


def load(name: str) -> Mapping[str, Any]:
    """What was kept; nothing when there is nothing, or it is not whole."""
    try:
        seal, _, body = (folder() / f"plugins-{name}").read_bytes().partition(b"\n")
    except OSError:
        return {}
    kept: Mapping[str, Any] = json.loads(body) if seal.decode(errors="replace") == _seal(body) else {}
    return kept


def save(name: str, content: Mapping[str, Any]) -> None:
    """Keep it for the next command, whole or not at all. A cache that cannot be written is no error: it only costs time."""
    from tempfile import NamedTemporaryFile

    body = json.dumps(content).encode()
    with suppress(OSError):
        place = folder()
        place.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=place, prefix=".plugins-", delete=False) as file:
            aside = Path(file.name)
            try:
                file.write(_seal(body).encode() + b"\n" + body)
                file.flush()
                aside.replace(place / f"plugins-{name}")
            finally:
                aside.unlink(missing_ok=True)


def _seal(body: bytes) -> str:
    from hashlib import blake2b

    return blake2b(body, digest_size=16).hexdigest()
