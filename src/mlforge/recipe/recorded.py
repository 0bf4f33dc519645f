"""The key `serve` of a recipe that was recorded with a version: read for the project and the environment in which it is served."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from mlforge.errors import COMMAND_LINE, Origin, Problem, RecipeError, nearest
from mlforge.recipe.node import Node, from_plain
from mlforge.recipe.overrides import parse
from mlforge.recipe.paths import placed, read_paths
from mlforge.recipe.references import with_env
from mlforge.recipe.refusals import refusals
from mlforge.recipe.typed import made
from mlforge.service.serve import Serve

if TYPE_CHECKING:
    from mlforge.project import Project

__all__ = ["recorded_serve"]

_KEY = "serve"


def recorded_serve(plain: Mapping[str, object], project: Project, model: str, overrides: Sequence[str] = ()) -> Serve:
    """The settings, with overrides such as `serve.limits.rows=100`.

    Files that they name are looked for, and must be allowed, here and not where the model was made. Raises RecipeError with every problem.
    """
    origin = Origin(f"the recorded recipe of {model}")
    root, problems = _overridden(Node({_KEY: from_plain(plain, origin)}, origin), overrides, project)
    problems += refusals(root, project.env)
    filled, secret, unset = with_env(root)
    problems += unset
    here = filled.items[_KEY]
    for path in read_paths(Serve, here):
        leaf, written = here.find(path), root.find((_KEY, *path))
        if leaf is not None and written is not None:
            absolute, problem = placed(leaf, project, ".".join((_KEY, *path)), written.value, vouched=(_KEY, *path) in secret)
            here = here.updated(path, absolute)
            problems += [problem] if problem else []
    serve, wrong = made(Serve, here, _KEY, "a recipe", frozenset(path[1:] for path in secret))
    problems += wrong
    if serve is None or problems:
        distinct = list(dict.fromkeys(problems))
        raise RecipeError(f"{len(distinct)} problem{'s' * (len(distinct) > 1)} with how {model} is to be served", problems=distinct)
    return serve


def _overridden(root: Node, texts: Sequence[str], project: Project) -> tuple[Node, list[Problem]]:
    said = parse(texts, project.env)
    problems = list(said.problems)
    for one in said.items:
        if one.path[0] != _KEY or len(one.path) == 1:
            here = one.path[0] in Serve.model_fields
            written = f"Write {_KEY}.{one.text.lstrip('+~')}." if here else "It is said in the recipe, and kept with the version that a run makes."
            hint = nearest(one.path[0], [_KEY]) or written
            problems.append(Problem(".".join(one.path), "decides nothing here", COMMAND_LINE, f"a key of {_KEY}, for the model is made already", hint))
        else:
            root = root.removed(one.path) if one.act == "delete" else root.updated(one.path, one.value)
    return root, problems
