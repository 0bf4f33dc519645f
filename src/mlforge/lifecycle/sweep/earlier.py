"""An earlier sweep from which a search learns before its first trial."""

from __future__ import annotations

from collections.abc import Iterator

from mlforge.artifact import Tuned
from mlforge.components import Seen, Sweep
from mlforge.errors import RecipeError
from mlforge.lifecycle.plan import Lifecycle
from mlforge.lifecycle.sweep.telling import searched

__all__ = ["found_by", "seen_by"]


def found_by(lifecycle: Lifecycle, run: str) -> Tuned:
    """What the sweep of a run has found. Raises RecipeError when there is no such run, or it has none, or its recipe is another."""
    record = lifecycle.store.records.run(run)
    if record.recipe != lifecycle.recipe.name:
        raise RecipeError(f"sweep.warm_start: run {run} is of {record.recipe}, and this is {lifecycle.recipe.name}", hint="Name a run of this recipe.")
    for stage in record.stages:
        digest = stage.outputs.get("tuned", "")
        if digest and lifecycle.store.artifacts.has(digest):
            return Tuned(lifecycle.store.artifacts.path(digest), digest)
    raise RecipeError(f"sweep.warm_start: run {run} has found no overrides", hint=f"`mlforge runs --recipe {record.recipe}` lists runs.")


def seen_by(tuned: Tuned, sweep: Sweep, run: str) -> Iterator[Seen]:
    """Its trials that came to their end, numbered below 0. Raises RecipeError when it has searched another space, or for something else."""
    told = tuned.json("tuned.json")
    mine = searched(sweep)
    for what, word in (("space", "searched another space"), ("goals", "had other objectives")):
        if told[what] != mine[what]:
            raise RecipeError(f"sweep.warm_start: run {run} {word}", hint="Leave warm_start out, or search as that run did.")
    for trial in tuned.json("trials.json"):
        if trial["state"] == "done":
            scores = tuple(goal.score(trial["findings"][goal.finding]) for goal in sweep.goals.values())
            yield Seen(-1 - trial["number"], trial["values"], scores)
