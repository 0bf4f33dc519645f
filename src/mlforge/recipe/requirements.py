"""Packages that a recipe's components need and that are not installed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from typing import TYPE_CHECKING

from mlforge.components import parts_of
from mlforge.errors import MissingRequirement, Origin, Problem

if TYPE_CHECKING:
    from mlforge.components import Component
    from mlforge.recipe.node import Node
    from mlforge.recipe.recipe import Recipe

__all__ = ["Wanting", "missing", "refusal", "require", "wanting"]


def missing(recipe: Recipe) -> dict[str, tuple[str, ...]]:
    """What is not installed, and the addresses of the components that need it. (What the recipe itself `requires` is there, or it would not be composed.)"""
    found: dict[str, list[str]] = {}
    wanted = [(where, type(one).requires) for where, one in _all(recipe.components())]
    for where, requirements in wanted:
        for requirement in requirements:
            if not _installed(requirement):
                found.setdefault(requirement, []).append(where)
    return {requirement: tuple(users) for requirement, users in found.items()}


def _all(components: Iterable[tuple[str, Component]]) -> Iterator[tuple[str, Component]]:
    for where, one in components:
        yield where, one
        yield from _all((f"{where}.{place}", part) for place, part in parts_of(one).items())


def require(recipe: Recipe) -> None:
    """Raise MissingRequirement, with the pip command, when anything is missing."""
    absent = missing(recipe)
    if absent:
        said = "; ".join(f"{', '.join(users)} need{'s' * (len(users) == 1)} {name}" for name, users in absent.items())
        raise MissingRequirement(f"{recipe.name}: {said}, which is not installed", hint=f"pip install {' '.join(_installs(absent))}")


@dataclass(frozen=True, slots=True)
class Wanting:
    """Something that the recipe says it `requires` and that is not there."""

    requirement: str
    found: str  # "is not installed", "0.1.0 is installed"
    origin: Origin

    @property
    def problem(self) -> Problem:
        """As one of several problems."""
        return Problem("requires", f"{self.requirement}: {self.found}", self.origin, hint=f"→ pip install {' '.join(_installs([self.requirement]))}")


def wanting(requires: Node | None) -> list[Wanting]:
    """What is written under `requires` and is missing or too old; what cannot be read is told by the recipe's header."""
    written = (
        [(node.value, node.place) for _, node in requires.walk() if isinstance(node.value, str)] if requires and not isinstance(requires.value, str) else []
    )
    return [Wanting(text, found, place) for text, place in written if (found := _lack(text))]


def refusal(
    reference: str, problems: Iterable[Problem], absent: Sequence[Wanting], unknown: Sequence[Problem], elsewhere: Sequence[Problem] = ()
) -> MissingRequirement | None:
    """The error to raise when all that is wrong comes from plugins that are not there: one line, with the pip command. None when more is wrong.

    `elsewhere` are the problems that are options of a plugin which is known and not there; `unknown` those that are names nobody is known to provide: the
    recipe's fault, unless a plugin that it requires is missing.
    """
    if any(problem not in elsewhere and not (absent and problem in unknown) for problem in problems):
        return None
    if absent:
        told = " and ".join(f"{one.requirement} ({one.origin}), {_which(one.found)}" for one in absent)
        return MissingRequirement(f"recipe {reference} requires {told}: pip install {' '.join(_installs(one.requirement for one in absent))}")
    first, *more = dict.fromkeys(elsewhere)
    others = f" (and {len(more)} more)" if more else ""
    return MissingRequirement(f"{first.where} ({first.origin}): {first.found}: {first.hint.removeprefix('→ ')}{others}")


def _which(found: str) -> str:
    return f"which {found}" if found.startswith("is") else f"and {found}"


def _installed(requirement: str) -> bool:
    return not _lack(requirement)


def _lack(requirement: str) -> str:
    """What is wrong with what is installed; nothing when it will do, or when the requirement is not for this machine or cannot be read."""
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        wanted = Requirement(requirement)
    except InvalidRequirement:
        return ""
    if wanted.marker is not None and not wanted.marker.evaluate():
        return ""
    try:
        found = version(wanted.name)
    except PackageNotFoundError:
        return "is not installed"
    return "" if wanted.specifier.contains(found, prereleases=True) else f"{found} is installed"


def _installs(names: Iterable[str]) -> list[str]:
    """What to hand to pip: one of mlforge's extras where one has the package, else the package."""
    extras = _extras()
    return list(dict.fromkeys(f"'mlforge[{extras[name]}]'" if name in extras else f"'{name}'" for name in names))


def _extras() -> dict[str, str]:
    found: dict[str, str] = {}
    for line in requires("mlforge") or ():
        matched = re.match(r"([A-Za-z0-9._-]+).*;\s*extra\s*==\s*['\"]([\w-]+)['\"]", line)
        if matched and matched[1] != "mlforge" and matched[2] not in ("all", "dev", "test", "lint"):
            found.setdefault(matched[1].lower(), matched[2])
    return found
