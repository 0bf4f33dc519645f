"""Look over what a plugin answered, with what only mlforge knows: the sections there are, and which file should have been loaded."""

from __future__ import annotations

from typing import Any

from mlforge.errors import nearest
from mlforge.plugins.discover import Candidate
from mlforge.sections import SECTIONS

__all__ = ["review"]


def review(reply: dict[str, Any], one: Candidate, origin: str | None) -> dict[str, Any]:
    """The reply, or the same plugin declared broken with the reason."""
    if reply["state"] != "ok":
        return reply
    for key in reply["components"]:
        section = key.partition("/")[0]
        if section not in SECTIONS:
            hint = nearest(section, SECTIONS) or f"There are {', '.join(SECTIONS)}."
            return _broken(reply, f"provides {key}, and there is no section {section}. {hint}")
    if one.local and origin and reply["file"] and reply["file"] != origin:
        return _broken(reply, f"another module of that name comes first: {reply['file']}")
    return reply


def _broken(reply: dict[str, Any], reason: str) -> dict[str, Any]:
    return reply | {"state": "broken", "reason": reason}
