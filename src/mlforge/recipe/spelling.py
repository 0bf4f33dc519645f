"""Values as one would type them in an override."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from mlforge.recipe.node import Plain

__all__ = ["spelled"]

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OTHERS = frozenset({"null", "true", "false", "inf", "nan"})  # words that mean something else than themselves


def spelled(key: str, value: Plain) -> str:
    """The override that sets the key to the value: what Hydra's grammar reads back as the same."""
    return f"{key}={_value(value)}"


def _value(value: Plain) -> str:
    if isinstance(value, str):
        if _WORD.fullmatch(value) and value.lower() not in _OTHERS:
            return value
        escaped = re.sub(r"(\\*)'", lambda found: found[1] * 2 + "\\'", value)
        trailing = len(escaped) - len(escaped.rstrip("\\"))
        return f"'{escaped}{chr(92) * trailing}'"
    if isinstance(value, list | tuple):
        return f"[{','.join(_value(one) for one in value)}]"
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{name}:{_value(one)}" for name, one in value.items()) + "}"
    return repr(value) if isinstance(value, float) else json.dumps(value)
