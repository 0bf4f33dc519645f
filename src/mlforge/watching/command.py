"""The command of a retraining: the recipe's own `mlforge run`, with its rows replaced."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from mlforge.components import Source
from mlforge.components.component import reads_of
from mlforge.recipe import Recipe
from mlforge.recipe.spelling import spelled
from mlforge.service.retrain import Retrain
from mlforge.watching.rows import Gathered

__all__ = ["overrides"]

_STEERING = 0.1  # of the rows, at most
_OURS = re.compile(r"[+~]*(source|split|retrain)(\.|=|$)")


def overrides(recipe: Recipe, retrain: Retrain, gathered: Gathered | None, root: Path) -> tuple[str, ...]:
    """What follows `mlforge run RECIPE`: what the recipe was watched with, then the rows, the split by which the newest judge, and the budget.

    The rows are named from the project's folder `root`, in which it is run, so that another machine with that project can run the same.
    """
    budget = [] if retrain.budget is None else [spelled(f"budget.{key}", value) for key, value in retrain.budget.model_dump(mode="json").items()]
    if gathered is None:
        return (*recipe.overrides, *budget)
    kept = [said for said in recipe.overrides if not _OURS.match(said)]
    return (*kept, *_source(recipe, gathered, root), *_split(recipe, retrain, gathered), *budget)


def _source(recipe: Recipe, gathered: Gathered, root: Path) -> Iterator[str]:
    yield "source=renewed"
    yield spelled("source.path", str(gathered.file.relative_to(root) if gathered.file.is_relative_to(root) else gathered.file))
    if gathered.share:
        source, plain = recipe.component("source", Source), recipe.plain["source"]
        assert isinstance(plain, Mapping)
        own = {"use": str(recipe.uses["source"])} | dict(plain) | {name: getattr(source, name) for name in reads_of(source)}
        yield spelled("source.before.source", own)
        yield f"source.share={gathered.share!r}"


def _split(recipe: Recipe, retrain: Retrain, gathered: Gathered) -> Iterator[str]:
    """The newest rows of the log judge, and stretches of all that is before them steer the training: the newest of those are learned from."""
    heights = [frame.height for frame in recipe.component("source", Source).batches(65_536)] if gathered.share else []
    judged = gathered.count * retrain.training.judged_by / (gathered.count + gathered.share * sum(heights))
    yield "split=time"
    yield "split.by=rows"
    yield "split.steering=spread"
    yield f"split.validation={min(judged, _STEERING):.9f}"
    yield f"split.test={judged:.9f}"
