"""From a composed recipe to a lifecycle over a store."""

from __future__ import annotations

from mlforge.lifecycle.plan import Lifecycle
from mlforge.lifecycle.steering import nodes_of
from mlforge.recipe import Recipe
from mlforge.store import Store

__all__ = ["assemble"]


def assemble(recipe: Recipe, store: Store, *, smoke: bool = False) -> Lifecycle:
    """The lifecycle that the recipe's sections call for."""
    return Lifecycle(recipe, store, nodes_of(recipe), smoke)
