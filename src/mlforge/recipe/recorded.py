"""The key `serve` of a recipe that was recorded with a version: read for the project and the environment in which it is served."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mlforge.errors import Origin, Problem, RecipeError
from mlforge.recipe.node import Node, from_plain
from mlforge.recipe.paths import placed, read_paths
from mlforge.recipe.references import with_env
from mlforge.recipe.refusals import refusals
from mlforge.recipe.typed import made
from mlforge.service.serve import Serve

if TYPE_CHECKING:
    from mlforge.project import Project

__all__ = ["recorded_serve"]

_KEY = "serve"


def recorded_serve(plain: Mapping[str, object], project: Project, model: str) -> Serve:
    """The settings. Files that they name are looked for, and must be allowed, here and not where the model was made. Raises RecipeError with every problem."""
    node = Node({_KEY: from_plain(plain, Origin(f"the recorded recipe of {model}"))}, Origin(f"the recorded recipe of {model}"))
    problems = list(refusals(node, project.env))
    filled, secret, unset = with_env(node)
    problems += unset
    here = filled.items[_KEY]
    for path in read_paths(Serve, here):
        leaf, written = here.find(path), node.find((_KEY, *path))
        if leaf is not None and written is not None:
            absolute, problem = placed(leaf, project, ".".join((_KEY, *path)), written.value, vouched=(_KEY, *path) in secret)
            here = here.updated(path, absolute)
            problems += [problem] if problem else []
    serve, wrong = made(Serve, here, _KEY, "a recipe", frozenset(path[1:] for path in secret))
    return serve if serve is not None and not problems else _refuse([*problems, *wrong])


def _refuse(problems: list[Problem]) -> Serve:
    raise RecipeError(f"{len(problems)} problem{'s' * (len(problems) > 1)} with how the model is to be served", problems=dict.fromkeys(problems))
