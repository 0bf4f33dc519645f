"""Values as YAML that mlforge reads back as the same values, and comments that stay on their line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence

__all__ = ["aligned", "comment", "figure", "flow", "printable", "scalar", "writable"]

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./ -]*[A-Za-z0-9_]|[A-Za-z_]")
_WORDS = {"null", "true", "false", "yes", "no", "on", "off"}
_COMMENT = 72  # the column in which comments begin, where the line is not longer


def writable(value: object) -> bool:
    """Can a recipe say it: `${` begins a reference, and ??? stands for what is still to be given."""
    return "${" not in str(value) and str(value).strip() != "???"


def scalar(value: object) -> str:
    """A value; a text in quotes unless it is evidently one."""
    if isinstance(value, str):
        plain = _PLAIN.fullmatch(value) and value.lower() not in _WORDS and ": " not in value
        return value if plain else f'"{"".join(map(_escaped, value))}"'
    return json.dumps(value)


def flow(settings: Mapping[str, object]) -> str:
    """{dtype: int, ge: 0}."""
    shown = (f"{key}: {_listed(value) if isinstance(value, list) else scalar(value)}" for key, value in settings.items())
    return "{" + ", ".join(shown) + "}"


def comment(text: str) -> str:
    """A comment that cannot end its line; nothing for no text."""
    clean = printable(text)
    return f"# {clean}" if clean.strip() else ""


def printable(text: str) -> str:
    """What names and values may do to a line or a terminal: nothing."""
    return "".join(character if character.isprintable() else " " for character in text)


def aligned(lines: Iterable[tuple[str, str]], column: int = _COMMENT) -> list[str]:
    """Lines with comments one below the other."""
    pairs: Sequence[tuple[str, str]] = list(lines)
    width = min(column, max((len(text) for text, note in pairs if note), default=0))
    return [f"{text:<{width}}  {comment(note)}" if comment(note) else text for text, note in pairs]


def _escaped(character: str) -> str:
    """One character inside double quotes."""
    if character in '"\\':
        return f"\\{character}"
    return character if character.isprintable() else f"\\U{ord(character):08x}"


def _listed(values: list[object]) -> str:
    return "[" + ", ".join(scalar(value) for value in values) + "]"


def figure(value: float) -> str:
    """A number as people write it: 1484705 and not 1.4847e+06, as far as that stays short."""
    return f"{value:.0f}" if value.is_integer() and abs(value) < 1e15 else f"{value:g}"
