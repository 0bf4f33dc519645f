"""Packages that a recipe's components need and that are not installed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from typing import TYPE_CHECKING

from mlforge.components import parts_of
from mlforge.errors import MissingRequirement

if TYPE_CHECKING:
    from mlforge.components import Component
    from mlforge.errors import Problem
    from mlforge.recipe.node import Node
    from mlforge.recipe.recipe import Recipe

__all__ = ["missing", "require", "unmet"]


def missing(recipe: Recipe) -> dict[str, tuple[str, ...]]:
    """What is not installed, and the addresses of the components that need it ("requires" for the recipe itself)."""
    found: dict[str, list[str]] = {}
    wanted = [(where, type(one).requires) for where, one in _all(recipe.components())]
    for where, requirements in (*wanted, ("requires", recipe.requires)):
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


def unmet(reference: str, root: Node, problems: Iterable[Problem]) -> MissingRequirement | None:
    """The error to raise instead when an option is unknown because what the recipe says it `requires` is not installed."""
    if not any(problem.found.startswith("no such") for problem in problems):
        return None
    written = root.items.get("requires")
    absent = [str(node.value) for _, node in written.walk() if isinstance(node.value, str) and not _installed(node.value)] if written else []
    if not absent:
        return None
    return MissingRequirement(f"recipe {reference} requires {', '.join(absent)}, which is not installed", hint=f"pip install {' '.join(_installs(absent))}")


def _installed(requirement: str) -> bool:
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        wanted = Requirement(requirement)
        return wanted.specifier.contains(version(wanted.name), prereleases=True)
    except PackageNotFoundError:
        return False
    except InvalidRequirement:
        return False


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
