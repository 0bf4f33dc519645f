"""A component that is written on the command line: `{use: sql, url: …, table: people}`. Read and checked as in a recipe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlforge.components import Component
from mlforge.errors import COMMAND_LINE, MissingRequirement, Problem, RecipeError
from mlforge.recipe.composer import Composed, Shelf
from mlforge.recipe.finish import Finishing
from mlforge.recipe.library import Library
from mlforge.recipe.node import Node, from_plain
from mlforge.recipe.refusals import refusals
from mlforge.recipe.switching import Switch
from mlforge.recipe.yaml import parse

if TYPE_CHECKING:
    from mlforge.plugins import Catalog
    from mlforge.project import Project

__all__ = ["inline"]


def inline(section: str, text: str, project: Project, catalog: Catalog) -> Component:
    """The component of a section that a text in YAML declares. Raises RecipeError with every problem, MissingRequirement when a plugin cannot deliver it."""
    parsed = parse(text, "command line")
    node = from_plain(parsed.root.plain(), COMMAND_LINE)
    problems: list[Problem] = [*parsed.problems, *refusals(node, project.env, section)]
    name = node.items.get("use")
    if not problems and (name is None or not isinstance(name.value, str)):
        problems.append(Problem(section, "names no component", COMMAND_LINE, "{use: …, and its settings}"))
    made: Component | None = None
    shelf = Shelf(catalog)
    if not problems:
        root = Node({section: node}, COMMAND_LINE)
        composed = Composed("command line", project, root, {}, shelf, Library(project, catalog), [], Switch({}, shelf.fields), [])
        finishing = Finishing(composed)
        made = finishing.component(section, section, str(name.value if name else ""), node)
        problems = finishing.problems
    if problems:
        distinct = list(dict.fromkeys(problems))
        raise RecipeError(f"{len(distinct)} problem{'s' * (len(distinct) > 1)} in the {section} that is named", problems=distinct)
    if made is None:
        raise shelf.missing[0] if shelf.missing else MissingRequirement(f"the {section} that is named cannot be made: {'; '.join(shelf.problems.values())}")
    return made
