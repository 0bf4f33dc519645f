"""From a composed recipe to a lifecycle over a store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mlforge.components import Stage
from mlforge.lifecycle.graph import graph
from mlforge.lifecycle.plan import Lifecycle
from mlforge.plugins import Catalog
from mlforge.recipe import Recipe
from mlforge.store import Store

__all__ = ["assemble"]


def assemble(recipe: Recipe, catalog: Catalog, store: Store, *, smoke: bool = False) -> Lifecycle:
    """The lifecycle that the recipe's sections call for."""
    settings = recipe.sections.get("stages", {})
    assert isinstance(settings, Mapping), "stages is a section in the plural"
    stages: dict[str, Stage] = {}
    for option in catalog.options("stages"):
        given = settings.get(option)
        stage = given if given is not None else catalog.load("stages", option)()
        assert isinstance(stage, Stage), f"stages/{option} is no Stage"
        stages[option] = stage
    sections: Iterable[str] = [*recipe.sections, *(["contract"] if recipe.contract is not None else [])]
    return Lifecycle(recipe, store, graph(stages, sections), smoke)
