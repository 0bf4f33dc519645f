"""Authentication and authorisation by API keys."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from hmac import compare_digest
from pathlib import Path

from mlforge.errors import RecipeError
from mlforge.service.access import Access
from mlforge.serving.access.keys import PREFIX, Key, KeyFile, digest_of

__all__ = ["Guard", "Refusal"]

log = logging.getLogger(__name__)

_LOOK = 0.5  # seconds between looks at the file
_ID = slice(len(PREFIX), len(PREFIX) + 12)
_LONGEST = 200  # characters of a key; longer ones are not even digested
_NOBODY = "0" * 64


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is not answered."""

    status: int
    message: str
    headers: tuple[tuple[str, str], ...] = ()


_MISSING = Refusal(401, "a key is needed: Authorization: Bearer KEY, or X-API-Key: KEY", (("www-authenticate", "Bearer"),))
_UNKNOWN = Refusal(401, "the key is not known here, or no longer valid", (("www-authenticate", 'Bearer error="invalid_token"'),))


class Guard:
    """Checks the keys of requests; re-reads the file of keys within a second of a change."""

    def __init__(self, path: Path, *, open_metrics: bool = True) -> None:
        """Raises RecipeError when the file cannot be read."""
        self._file = KeyFile(path)
        self._open = {"open", "metrics"} if open_metrics else {"open"}
        self._seen = self._look()
        self._keys = self._by_id()
        self._next = time.monotonic() + _LOOK

    @classmethod
    def of(cls, access: Access) -> Guard | None:
        """The guard of these settings; None when nobody needs a key."""
        return None if access.keys is None else cls(Path(access.keys), open_metrics=access.open_metrics)

    def check(self, scope: str, authorization: str | None, api_key: str | None) -> Refusal | None:
        """None when the request may go on; it costs some microseconds."""
        if scope in self._open:
            return None
        token = _token(authorization, api_key)
        if not token:
            return _MISSING
        if time.monotonic() >= self._next:
            self._renew()
        key = self._keys.get(token[_ID]) if len(token) <= _LONGEST else None
        same = compare_digest(digest_of(token[:_LONGEST]), key.sha256 if key else _NOBODY)  # also where there is no such key: it takes as long
        if key is None or not same or (key.expires is not None and key.expires.timestamp() <= time.time()):
            return _UNKNOWN
        if scope not in key.scopes:
            return Refusal(403, f"the key {key.name} is for {' and '.join(key.scopes)}; this needs {scope}")
        return None

    def _renew(self) -> None:
        self._next = time.monotonic() + _LOOK
        seen = self._look()
        if seen == self._seen:
            return
        self._seen = seen
        try:
            self._keys = self._by_id()
            log.info("%s: %d valid keys", self._file.path, len(self._keys))
        except RecipeError as error:
            if seen is None:
                self._keys = {}  # a file that was taken away lets nobody in
            log.error("%s; %s", error.args[0], "nobody gets in" if seen is None else "the keys that were known before stay valid")

    def _look(self) -> tuple[int, int, int] | None:
        try:
            stat = self._file.path.stat()
        except OSError:
            return None
        return stat.st_mtime_ns, stat.st_size, stat.st_ino

    def _by_id(self) -> Mapping[str, Key]:
        return {key.id: key for key in self._file.read() if key.revoked is None}


def _token(authorization: str | None, api_key: str | None) -> str:
    """The key of a request: a bearer token (RFC 6750), or the header X-API-Key."""
    if authorization:
        scheme, _, token = authorization.partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""
    return (api_key or "").strip()
