"""Which URLs a recipe may reach: those below a URL among the project's roots, and those that the command line or a variable of the environment names.

A variable vouches for the whole value only: a recipe that puts an allowed password into a URL of its own could send it anywhere.
"""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

__all__ = ["below", "is_url", "password_in", "sqlite_path"]

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(//|:)|[A-Za-z0-9+.-]*::")
_SQLITE = re.compile(r"(sqlite(?:\+\w+)?:///)([^?]+)")


def is_url(text: str) -> bool:
    """Is it more than a path."""
    return bool(_URL.match(text)) or "://" in text


def sqlite_path(text: str) -> tuple[str, str] | None:
    """The scheme of SQLite's URL, and the file in it: it is a path like any other. None for other URLs, and for one with options."""
    found = _SQLITE.fullmatch(text)
    return (found[1], found[2]) if found else None


def below(text: str, roots: tuple[str, ...]) -> bool:
    """Does a URL lie below one of these."""
    return "::" not in text and any(_below(text, root) for root in roots)


def _below(text: str, root: str) -> bool:
    try:
        here, there = urlsplit(text), urlsplit(root)
        same = (here.scheme, here.hostname, here.port) == (there.scheme, there.hostname, there.port)
    except ValueError:
        return False
    if not same or "\\" in text or (here.query and here.scheme not in ("http", "https")):  # options of a database's URL can name another host
        return False
    path, start = unquote(unquote(here.path)), unquote(there.path).rstrip("/")
    return ".." not in path.split("/") and (path == start or path.startswith(start + "/"))


def password_in(text: str) -> bool:
    """Does a URL carry a password."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return bool(parts.password) or bool(re.search(r"(^|&)(password|passwd|pwd|secret|token)=", parts.query, re.IGNORECASE))
