"""Where a verb works: the project around the current folder, its plugins, and a recipe's store."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from mlforge.plugins import Catalog, Hooks, catalog, hooks
from mlforge.project import Project

if TYPE_CHECKING:
    from mlforge.recipe import Recipe
    from mlforge.store import Store

__all__ = ["Workplace"]


@dataclass
class Workplace:
    """The project that the user stands in."""

    project: Project

    @classmethod
    def here(cls) -> Workplace:
        """The project around the current folder."""
        return cls(Project.find(Path.cwd()))

    @cached_property
    def catalog(self) -> Catalog:
        """What the installed plugins and the project's own bring along."""
        return catalog(self.project)

    @cached_property
    def hooks(self) -> Hooks:
        """The behaviour hooks; loading them imports the plugins' modules."""
        return hooks(self.project, self.catalog)

    def recipe(self, reference: str, overrides: tuple[str, ...], *, for_run: bool = False) -> Recipe:
        """A recipe, composed and checked; RecipeError with all its problems. `for_run`: MissingRequirement when something that it needs is not installed."""
        from mlforge.recipe import compose

        return compose(reference, overrides, self.project, self.catalog, for_run=for_run, further=self.hooks.check)

    def store(self, recipe: Recipe | None = None) -> Store:
        """The store that the recipe names, else the project's."""
        from mlforge.store import Store

        return Store.open((recipe.store if recipe else None) or self.project.store, self.project.state)
