"""Digests of local files: computed side by side, and remembered between two commands, so that what is unchanged is not read again.

A digest is remembered by path, size, times and inode, in the user's cache folder. A file that changed just before it was read is not remembered: it could
change again without its time showing it.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

__all__ = ["digests"]

_PART = 64 << 20  # bytes that one thread hashes at a time
_BLOCK = 1 << 20
_SETTLED = 2_000_000_000  # ns
_THREADS = 8
_ASKED = 500  # rows of one question to the cache

Signature = tuple[str, int, int, int, int]

_known: dict[Signature, str] = {}  # one process plans, checks and runs over the same files


def digests(paths: Sequence[Path]) -> list[str]:
    """The SHA-256 of each file's content (of a large file: of the digests of its parts). OSError for one that cannot be read."""
    signatures = [_signature(path) for path in paths]
    unknown = [one for one in signatures if one not in _known]
    if unknown:
        with _cache() as cache:
            _known.update(_remembered(cache, unknown))
            made = _computed([one for one in unknown if one not in _known])
            _known.update(made)
            _remember(cache, made)
    return [_known[one] for one in signatures]


def _signature(path: Path) -> Signature:
    stat = path.stat()
    return (str(path), stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino)


def _computed(signatures: Sequence[Signature]) -> dict[Signature, str]:
    with ThreadPoolExecutor(max_workers=min(_THREADS, (os.cpu_count() or 1) * 2)) as pool:
        parts = [[pool.submit(_part, one[0], start) for start in range(0, max(one[1], 1), _PART)] for one in signatures]
        made = [[part.result() for part in several] for several in parts]
    return {
        one: several[0] if len(several) == 1 else hashlib.sha256("".join(several).encode()).hexdigest() for one, several in zip(signatures, made, strict=True)
    }


def _part(path: str, start: int) -> str:
    digest, left = hashlib.sha256(), _PART
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - ten thousand of them: a Path each costs more than the reading
        file.seek(start)
        while left and (block := file.read(min(_BLOCK, left))):
            digest.update(block)
            left -= len(block)
    return digest.hexdigest()


@contextmanager
def _cache() -> Iterator[sqlite3.Connection | None]:
    """The user's cache; None where there can be none: it only saves time."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    try:
        folder = (Path(base) if base.startswith("/") else Path.home() / ".cache") / "mlforge"
        folder.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(folder / "digests.db", timeout=5)
    except (OSError, RuntimeError, sqlite3.Error):
        yield None
        return
    with closing(connection):
        try:
            connection.execute("CREATE TABLE IF NOT EXISTS digests (path TEXT PRIMARY KEY, size, mtime, ctime, inode, digest TEXT) WITHOUT ROWID")
        except sqlite3.Error:
            yield None
            return
        yield connection


def _remembered(cache: sqlite3.Connection | None, wanted: Sequence[Signature]) -> dict[Signature, str]:
    found: dict[Signature, str] = {}
    try:
        for start in range(0, len(wanted) if cache else 0, _ASKED):
            paths = [one[0] for one in wanted[start : start + _ASKED]]
            assert cache is not None
            rows = cache.execute(f"SELECT * FROM digests WHERE path IN ({', '.join('?' * len(paths))})", paths)  # noqa: S608 - question marks only
            found |= {(str(path), size, mtime, ctime, inode): str(digest) for path, size, mtime, ctime, inode, digest in rows}
    except sqlite3.Error:
        return {}
    asked = set(wanted)
    return {one: digest for one, digest in found.items() if one in asked}


def _remember(cache: sqlite3.Connection | None, made: dict[Signature, str]) -> None:
    now = time.time_ns()
    rows = [(*one, digest) for one, digest in made.items() if max(one[2], one[3]) < now - _SETTLED]
    if cache is not None and rows:
        try:
            with cache:
                cache.executemany("INSERT OR REPLACE INTO digests VALUES (?, ?, ?, ?, ?, ?)", rows)
        except sqlite3.Error:
            return
