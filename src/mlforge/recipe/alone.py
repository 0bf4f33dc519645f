"""A component that the command line chooses, where there is no recipe to choose it: `cluster=ray cluster.workers=2`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, TypeVar

from mlforge.errors import COMMAND_LINE, Problem, RecipeError, nearest
from mlforge.recipe.node import Node
from mlforge.recipe.overrides import parse
from mlforge.recipe.typed import made

if TYPE_CHECKING:
    from mlforge.components import Component
    from mlforge.plugins import Catalog

__all__ = ["alone"]

C = TypeVar("C", bound="Component")


def alone(kind: type[C], section: str, texts: Sequence[str], allowed: Iterable[str], catalog: Catalog) -> C | None:
    """The component; None when none is chosen, or null is. `allowed` are variables that the texts may name.

    Raises RecipeError with every problem, MissingRequirement when a plugin cannot deliver it.
    """
    said = parse(texts, allowed)
    problems = list(said.problems)
    chosen, root = "", Node({}, COMMAND_LINE)
    for one in said.items:
        if one.act == "choose" and one.path == (section,):
            chosen = one.options[0] if one.options else ""
        elif one.act == "set" and len(one.path) > 1 and one.path[0] == section:
            root = root.updated(one.path[1:], one.value)
        else:
            problems.append(Problem(".".join(one.path), f"{one.text!r} decides nothing here", COMMAND_LINE, f"{section}=…, or {section}.KEY=VALUE"))
    options = catalog.options(section)
    if chosen and chosen not in options:
        hint = nearest(chosen, options) or ""
        problems.append(Problem(f"{section}: {chosen}", f"no such option; {section} has {', '.join(options)}", COMMAND_LINE, hint=hint))
    elif not chosen and root.items:
        problems.append(Problem(section, "has settings and is not chosen", COMMAND_LINE, f"{section}=… beside {section}.{next(iter(root.items))}"))
    component = None
    if chosen and not problems:
        found = catalog.load(section, chosen)
        component, problems = made(found, root, section, f"{section}/{chosen}")
    if problems:
        raise RecipeError(f"{len(problems)} problem{'s' * (len(problems) > 1)} on the command line", problems=problems)
    assert component is None or isinstance(component, kind)
    return component
