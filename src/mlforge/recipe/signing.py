"""Roles that gates ask to sign, against the people that the project's settings name."""

from __future__ import annotations

from collections.abc import Iterator

from mlforge.components import Gate
from mlforge.errors import Problem, nearest
from mlforge.project import Project
from mlforge.recipe.recipe import Recipe

__all__ = ["unsigned"]


def unsigned(recipe: Recipe, project: Project) -> Iterator[Problem]:
    """A role that nobody has: the run would wait forever."""
    for entry, gate in recipe.entries("gates", Gate).items():
        for key, role in gate.signers().items():
            if role not in project.roles:
                where = f"gates.{entry}.{key}" if key else f"gates.{entry}"
                place = recipe.root.nearest(tuple(where.split("."))).place
                known = f"there are {', '.join(project.roles)}" if project.roles else "the project's settings name nobody for any role"
                hint = nearest(role, project.roles) or f'Write in mlforge.toml: [roles] {role} = ["USER"]; in pyproject.toml: [tool.mlforge.roles].'
                yield Problem(where, f"nobody may sign as {role}", place, known, hint)
