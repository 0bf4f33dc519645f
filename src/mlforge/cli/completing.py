"""What a word of a command line may become: the answer to a press of TAB. A wrong or half-written line is the usual case, and never an error."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib import import_module

import click

from mlforge.cli.verbs import PARTS, VERBS
from mlforge.cli.workplace import Workplace
from mlforge.errors import MlforgeError

__all__ = ["Answer", "complete"]

Answer = tuple[str, str]
"""A word, and a line on it."""

_GLOBAL = {"--help": "Show the help.", "--version": "Show the version.", "--verbose": "Say more."}
_COMPOSE = ("check", "show", "plan", "run")  # verbs that take a recipe and overrides


def complete(words: Sequence[str]) -> list[Answer]:
    """The answers for the last of the words that follow `mlforge`; none when nothing is known, so that the shell offers files."""
    *before, current = words or [""]
    try:
        return [(word, line) for word, line in _candidates(before, current) if word.startswith(current)]
    except (MlforgeError, click.ClickException, OSError):
        return []


def _candidates(before: Sequence[str], current: str) -> Iterable[Answer]:
    given = [word for word in before if not word.startswith("-")]
    verb = given[0] if given else ""
    if not verb:
        return _GLOBAL.items() if current.startswith("-") else [*VERBS.items(), *_commands()]
    part = given[1] if len(given) > 1 and given[1] in PARTS.get(verb, {}) else ""
    if verb not in VERBS:
        return ()
    command = _command(verb, part)
    option = _option(command, before[-1])
    if option is not None and not option.is_flag:
        return [(str(choice), "") for choice in getattr(option.type, "choices", ())]
    if current.startswith("-"):
        return [(flag, one.help or "") for one in command.params if isinstance(one, click.Option) and not one.hidden for flag in one.opts if len(flag) > 2]
    if not part and len(given) == 1 and verb in PARTS:
        return PARTS[verb].items()
    return _arguments(verb, given[1:], current)


def _command(verb: str, part: str) -> click.Command:
    found = getattr(import_module(f"mlforge.cli.{verb}_{part}" if part else f"mlforge.cli.{verb}"), part or "command")
    assert isinstance(found, click.Command)
    return found


def _option(command: click.Command, word: str) -> click.Option | None:
    return next((one for one in command.params if isinstance(one, click.Option) and word in one.opts), None)


def _commands() -> Iterator[Answer]:
    for name, one in Workplace.here().catalog.options("commands").items():
        if name not in VERBS:
            yield name, f"{one.plugin} {one.version}"


def _arguments(verb: str, given: Sequence[str], current: str) -> Iterable[Answer]:
    if verb in _COMPOSE and given:
        from mlforge.cli.completing_keys import overrides

        return overrides(Workplace.here(), given[0], given[1:], current)
    first: Mapping[str, Callable[[], Iterable[Answer]]] = {
        **dict.fromkeys(_COMPOSE, _recipes),
        "cp": _recipes,
        "ls": _sections,
        "models": _models,
        "promote": _models,
        "rollback": _models,
        "drill": lambda: [*_models(), *_versions(current)],
        "predict": lambda: [*_models(), *_versions(current)],
        "completion": lambda: [(shell, "") for shell in ("bash", "zsh", "fish")],
    }
    if (verb, *given) == ("sweep", "show"):
        return _recipes()
    if verb == "promote" and len(given) == 1:
        return [(word.partition("@")[2], line) for word, line in _versions(f"{given[0]}@")]
    return first[verb]() if verb in first and not given else ()


def _recipes() -> Iterator[Answer]:
    from mlforge.cli.ls import _recipes as listed

    place = Workplace.here()
    yield from ((one.name, one.summary) for one in listed(place.project, place.catalog))


def _sections() -> Iterator[Answer]:
    from mlforge.sections import SECTIONS

    yield "recipes", "whole lifecycles"
    yield from ((section.name, section.what) for section in SECTIONS.values())


def _models() -> Iterator[Answer]:
    from mlforge.store.names import models

    yield from ((name, f"{count} version{'s' * (count != 1)}") for name, count in models(Workplace.here().project.state))


def _versions(current: str) -> Iterator[Answer]:
    from mlforge.store.names import versions

    name, at, _ = current.partition("@")
    if at:
        yield from ((f"{name}@{which}", line) for which, line in versions(Workplace.here().project.state, name))
