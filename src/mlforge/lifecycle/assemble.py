"""From a composed recipe to a lifecycle over a store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mlforge.components import Stage
from mlforge.lifecycle.graph import graph
from mlforge.lifecycle.plan import Lifecycle
from mlforge.plugins import Catalog
from mlforge.recipe import Recipe
from mlforge.store import Store

__all__ = ["assemble", "from_stage"]


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


def from_stage(lifecycle: Lifecycle, stage: str) -> frozenset[str]:
    """That stage and every pure stage that takes from it, directly or not. RecipeError when there is no such stage."""
    lifecycle.named(stage)
    found = {stage}
    for node in lifecycle.nodes:  # in order, so that one pass is enough
        if found.intersection((*node.sources.values(), *node.after)) and not node.stage.effect:
            found.add(node.name)
    return frozenset(found)
