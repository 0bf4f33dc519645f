"""Hydra's own syntax for several values, `model=mlp,linear trainer.lr=1e-3,1e-4`: a grid over those overrides, written as a sweep."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from mlforge.recipe.node import Plain, from_plain
from mlforge.recipe.spelling import spelled

__all__ = ["expanded", "unswept"]

_SIGNS = (",", "(")  # without either, an override has one value
_MOST = 10_000


def expanded(texts: Sequence[str]) -> tuple[str, ...]:
    """The overrides, with those that give several values turned into a sweep over them; the first value stands for the key elsewhere.

    The sweep is a grid, unless another is chosen by an override. What is no override at all is left as it is, to be told about later.
    """
    if not any(sign in text for text in texts for sign in _SIGNS):
        return tuple(texts)
    from hydra.core.override_parser.overrides_parser import OverridesParser

    parser = OverridesParser.create()
    kept: list[str] = []
    space: dict[str, Plain] = {}
    for text in texts:
        found = _several(parser, text) if any(sign in text for sign in _SIGNS) else None
        if found is None:
            kept.append(text)
            continue
        key, law, values = found
        kept.append(spelled(key, values[0]))
        space[key.replace(".", "_")] = {"key": key, law: values}
    if not space:
        return tuple(kept)
    chosen = [] if any(_key(text) == "sweep" for text in kept) else ["sweep=grid"]
    return (*kept, *chosen, spelled("sweep.space", space))


def unswept(texts: Sequence[str]) -> tuple[str, ...]:
    """The overrides without those of the sweep, and the recipe's own sweep taken out."""
    return (*(text for text in texts if _key(text).partition(".")[0] != "sweep"), "~sweep")


def _key(text: str) -> str:
    return text.lstrip("+~").partition("=")[0]


def _several(parser: Any, text: str) -> tuple[str, str, list[Plain]] | None:
    """Key, law and values of an override that gives several; None for any other."""
    from hydra.errors import HydraException

    try:
        parsed = parser.parse_override(text)
    except Exception:  # the grammar's own error, or that of its lexer
        return None
    if not parsed.is_sweep_override() or parsed.is_delete():
        return None
    if parsed.is_interval_sweep():
        interval = parsed.value()
        return parsed.key_or_group, "uniform", [float(interval.start), float(interval.end)]
    try:
        return parsed.key_or_group, "choice", list(_plain(parsed))
    except HydraException:
        return None  # a glob chooses among files, which only Hydra's own launcher knows


def _plain(parsed: Any) -> Iterator[Plain]:
    for place, value in enumerate(parsed.sweep_iterator()):
        if place >= _MOST:
            return
        yield from_plain(value).plain()
