"""The keys of the project's settings, looked at before anything runs: a run that cannot sign what it registers is no use."""

from __future__ import annotations

from collections.abc import Iterator

from mlforge.components import Gate
from mlforge.errors import MissingRequirement, Origin, Problem, RecipeError
from mlforge.project import Project
from mlforge.recipe.recipe import Recipe

__all__ = ["keyless"]


def keyless(recipe: Recipe, project: Project) -> Iterator[Problem]:
    """A trusted key that cannot be read; and where the recipe registers, a private key that is not there, is encrypted, or is not trusted."""
    trust = project.trust
    if not trust:
        return
    origin = Origin(str(project.settings))
    try:
        list(trust.trusted())
        if recipe.entries("gates", Gate):
            trust.signer()
    except (RecipeError, MissingRequirement) as error:
        where, told, found = str(error).splitlines()[0].partition(": ")
        yield Problem(where if told else "signing", found or where, origin, hint=error.hint)
