"""Recipes: composing them, checking them, and saying where each value came from. The only place that knows Hydra."""

from mlforge.recipe.absent import absent
from mlforge.recipe.composer import compose
from mlforge.recipe.recipe import Displaced, Recipe
from mlforge.recipe.requirements import missing, require
from mlforge.recipe.schema import json_schema
from mlforge.recipe.spelling import spelled
from mlforge.recipe.switching import Dropped
from mlforge.recipe.view import Row, View, show

__all__ = ["Displaced", "Dropped", "Recipe", "Row", "View", "absent", "compose", "json_schema", "missing", "require", "show", "spelled"]
