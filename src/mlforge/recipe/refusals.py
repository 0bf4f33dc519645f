"""What a recipe must not say: anything that names code. Refused before anything is resolved.

Recipes are not trusted. They name registered components; `_target_` and its kin, logging's `()`, Hydra's own settings and interpolations with
resolvers (other than an environment variable that the project allows) have no business in one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from mlforge.errors import Origin, Problem
from mlforge.recipe.node import Node

__all__ = ["HYDRA", "refusals", "refused_override"]

_CODE = frozenset({"_target_", "_args_", "_partial_", "_convert_", "_recursive_", "_method_", "()"})
HYDRA = frozenset({"hydra", "searchpath", "launcher", "sweeper", "callbacks"})
_ENV = re.compile(r"oc\.env:([A-Za-z_][A-Za-z0-9_]*)")
_REFERENCE = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*")


def refused_key(key: str, top: bool) -> str:
    """Why a key is refused, or nothing."""
    name = key.strip()
    if name in _CODE:
        return f"{key!r} names code, and a recipe is data"
    if name.startswith(("hydra.", "hydra/")) or (top and name in HYDRA):
        return f"{key!r} belongs to Hydra's own machinery, which a recipe cannot set"
    if "${" in key:
        return f"{key!r} has an interpolation in a key"
    return ""


def refused_text(text: str, allowed: Iterable[str]) -> str:
    """Why the interpolations in a text are refused, or nothing."""
    start = text.find("${")
    while start >= 0:
        end = _closing(text, start)
        inner = text[start + 2 : end] if end >= 0 else text[start + 2 :]
        if why := _refused(text, start, end, inner, tuple(allowed)):
            return why
        start = text.find("${", start + 2)
    return ""


def _closing(text: str, start: int) -> int:
    depth = 0
    for index in range(start, len(text)):
        depth += text.startswith("${", index) - (text[index] == "}")
        if depth == 0 and text[index] == "}":
            return index
    return -1


def _refused(text: str, start: int, end: int, inner: str, allowed: tuple[str, ...]) -> str:
    shown = "${" + (inner if len(inner) < 50 else inner[:50] + "…") + ("}" if end >= 0 else "")
    if "${" in inner:
        return f"{shown} is an interpolation inside another"
    if ":" in inner:
        found = _ENV.fullmatch(inner)
        if not found:
            return f"{shown} calls a resolver, and a recipe is data"
        return "" if found[1] in allowed else f"{shown} reads an environment variable that the project does not allow"
    if text[max(start - 1, 0)] == "\\":
        return ""  # taken as it stands, for example in a regular expression
    if end < 0:
        return f"{shown} has no closing brace"
    return "" if _REFERENCE.fullmatch(inner) else f"{shown} is no reference to a key"


def refusals(root: Node, allowed: Iterable[str], where: str = "") -> Iterator[Problem]:
    """Everything in a tree that is refused."""
    allowed = tuple(allowed)
    for path, node in root.walk():
        address = ".".join((where, *path) if where else path) or str(node.origin)
        if path and (why := refused_key(path[-1], len(path) == 1 and not where)):
            yield Problem(address, why, node.place, hint="Delete it; code comes with an installed plugin.")
        if isinstance(node.value, str) and (why := refused_text(node.value, allowed)):
            yield Problem(address, why, node.origin, _expected(allowed))


def _expected(allowed: tuple[str, ...]) -> str:
    names = ", ".join(allowed) or "none so far"
    return f"a reference such as ${{trainer.max_epochs}}, or ${{oc.env:NAME}} for a name that the project allows under [tool.mlforge] env ({names})"


def refused_override(text: str, key: str, origin: Origin) -> Problem | None:
    """Why the key of an override is refused, or None."""
    for position, part in enumerate(re.split(r"[./]", key)):
        if why := refused_key(part, position == 0):
            return Problem(key, why, origin, hint="Leave it out; code comes with an installed plugin.")
    if "@" in key:
        return Problem(key, f"{text!r} names a package with @", origin, hint="Write section=option.")
    return None
