"""What the command line says, in Hydra's override grammar: `trainer.max_epochs=3 model=mlp ~gates.fair`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from mlforge.errors import COMMAND_LINE, Problem
from mlforge.recipe.node import Node, from_plain
from mlforge.recipe.refusals import refusals, refused_override
from mlforge.sections import SECTIONS

__all__ = ["Override", "Overrides", "parse"]

_DEEPEST = 30
_STRANGE = re.compile(r"token recognition error at: '(.)'")

Act = Literal["choose", "add", "drop", "set", "delete"]


@dataclass(frozen=True, slots=True)
class Override:
    """One override: options chosen for a section, or a value set or deleted at a path."""

    text: str
    act: Act
    path: tuple[str, ...]
    value: Node
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Overrides:
    """All overrides in the order in which they were given."""

    items: tuple[Override, ...] = ()
    problems: tuple[Problem, ...] = ()
    fatal: bool = False  # something was refused


def parse(texts: Sequence[str], allowed: Iterable[str]) -> Overrides:
    """Read overrides; what is wrong or refused is among the problems."""
    if not texts:
        return Overrides()
    from hydra.core.override_parser.overrides_parser import OverridesParser

    parser = OverridesParser.create()
    items: list[Override] = []
    problems: list[Problem] = []
    fatal = False
    for text in texts:
        made = _one(parser, text, tuple(allowed))
        if isinstance(made, Override):
            items.append(made)
        elif isinstance(made, Problem):
            problems.append(made)
        else:
            fatal = True
            problems += made
    return Overrides(tuple(items), tuple(problems), fatal)


def _one(parser: object, text: str, allowed: tuple[str, ...]) -> Override | Problem | list[Problem]:
    """An override; a problem with it; or everything in it that is refused."""
    if problem := refused_override(text, text.lstrip("+~").partition("=")[0], COMMAND_LINE):
        return [problem]
    try:
        parsed = parser.parse_override(text)  # type: ignore[attr-defined]
    except Exception as error:  # the grammar's own error, or that of its lexer
        return _unreadable(text, error)
    key = parsed.key_or_group
    if problem := refused_override(text, key, COMMAND_LINE):
        return [problem]
    if key.count(".") > _DEEPEST:
        return Problem(key[:60] + "…", f"is deeper than {_DEEPEST} levels", COMMAND_LINE)
    if parsed.is_sweep_override():
        return Problem(key, f"{text!r} gives several values", COMMAND_LINE, "one value, or several with commas between them", f"Name them: {key}=a,b.")
    value = from_plain(parsed.value())
    refused = list(refusals(value, allowed, key))
    return refused or _act(parsed, text, key, value)


def _act(parsed: object, text: str, key: str, value: Node) -> Override:
    deletes, adds = parsed.is_delete(), parsed.is_add()  # type: ignore[attr-defined]
    path = tuple(key.split("."))
    if key not in SECTIONS or isinstance(value.value, dict):
        return Override(text, "delete" if deletes else "set", path, value)
    options = tuple(str(node.value) for node in value.value) if isinstance(value.value, tuple) else () if value.value is None else (str(value.value),)
    if deletes:
        return Override(text, "drop" if options else "choose", path, value, options)
    return Override(text, "add" if adds and SECTIONS[key].plural else "choose", path, value, options)


def _unreadable(text: str, error: Exception) -> Problem:
    """What the grammar does not accept, and how it would."""
    key, equals, value = text.partition("=")
    where = key or "overrides"
    if not equals:
        return Problem(where, f"{text!r} is not an override: it has no =", COMMAND_LINE, "key=value")
    if (strange := _STRANGE.search(str(error))) is not None and not re.search("[\"']", value):
        found = f"{text!r} is not an override: {strange[1]!r} needs quotes around the value"
        return Problem(where, found, COMMAND_LINE, "quotes that the shell leaves alone", f"""Type '{key}="{value}"'.""")
    return Problem(where, f"{text!r} is not an override{_position(error)}", COMMAND_LINE, "key=value, with quotes around what has spaces or commas")


def _position(error: Exception) -> str:
    said = str(error).split("\n")[0]
    return ": " + (said if len(said) < 100 else said[:100] + "…") if said else ""
