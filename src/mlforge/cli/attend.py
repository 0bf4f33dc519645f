"""A run and its cluster: handed over to a scheduler, led as rank 0 of several processes, or followed as any other rank."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mlforge.errors import MlforgeError, RecipeError

if TYPE_CHECKING:
    from mlforge.cli.workplace import Workplace
    from mlforge.components import Cluster
    from mlforge.recipe import Recipe

__all__ = ["attended", "followed", "handed_over", "rank"]

_RANKS = (("TORCHELASTIC_RUN_ID", "RANK", "WORLD_SIZE"), ("SLURM_STEP_ID", "SLURM_PROCID", "SLURM_STEP_NUM_TASKS"))
"""By what a process knows that it is one of several that run this command: torchrun's variables, and srun's."""


def followed(compose: Callable[[], Recipe]) -> int | None:
    """The exit code of a command that is not rank 0 of several; None when this one is to run the recipe. Only rank 0 says anything."""
    if rank() == 0:
        return None
    with Path(os.devnull).open("w") as nothing, redirect_stdout(nothing), redirect_stderr(nothing):
        try:
            cluster = _cluster(compose())
            if cluster is None or cluster.place() is None:
                return RecipeError.exit_code
            from mlforge.lifecycle.fitting.rank import part

            return cluster.follow(part)
        except MlforgeError as error:
            return error.exit_code


def handed_over(recipe: Recipe, place: Workplace, command: Sequence[str], *, dry_run: bool) -> bool:
    """Was the command handed to a scheduler, or its script printed: then there is nothing to run here."""
    cluster = _cluster(recipe)
    script = cluster.script([sys.executable, "-m", "mlforge", *command], place.project.root) if cluster is not None else None
    if script is None:
        if dry_run:
            raise click.UsageError("--dry-run prints the batch script of cluster=slurm; for what a run would do, see `mlforge plan`")
        return False
    if dry_run:
        click.echo(script.text, nl=False)
        return True
    script.path.parent.mkdir(parents=True, exist_ok=True)
    script.path.write_text(script.text, encoding="utf-8")
    click.echo(script.submit(script.path))
    return True


@contextmanager
def attended(recipe: Recipe) -> Iterator[None]:
    """Around a run: the cluster has what it asks for, and the other ranks, where there are any, hear how it ended."""
    cluster = _cluster(recipe)
    if cluster is None or cluster.place() is None:
        _alone(cluster)
    _searched_at(recipe)
    if cluster is None:
        yield
        return
    from mlforge.components import Trainer

    with cluster.led():
        trainer = recipe.sections.get("trainer")
        if isinstance(trainer, Trainer):
            cluster.ready(trainer)
        yield


def _searched_at(recipe: Recipe) -> None:
    """Something listens at the address of the sweep: else that is told now, and not when hours of rows are read."""
    from mlforge.components import Sweep

    sweep = recipe.sections.get("sweep")
    if isinstance(sweep, Sweep) and sweep.address is not None:
        from mlforge.ray_here import probe

        probe("sweep.address", sweep.address)


def _alone(cluster: Cluster | None) -> None:
    """Several processes that each run the whole recipe would only be in each other's way."""
    for mark, _, world in _RANKS:
        if mark in os.environ and int(os.environ.get(world, "1")) > 1:
            name, option = ("torchrun", "torchrun") if "TORCH" in mark else ("srun", "slurm")
            chosen = f"the recipe's cluster is {type(cluster).__name__.lower()}" if cluster is not None else "the recipe has no cluster"
            raise RecipeError(f"{name} has started this command {os.environ[world]} times, and {chosen}", hint=f"Add cluster={option}.")


def rank() -> int:
    """Which one this process is among several of this command; 0 when it is the only one."""
    for mark, which, world in _RANKS:
        if mark in os.environ and int(os.environ.get(world, "1")) > 1:
            return int(os.environ[which])
    return 0


def _cluster(recipe: Recipe) -> Cluster | None:
    from mlforge.components import Cluster

    found = recipe.sections.get("cluster")
    return found if isinstance(found, Cluster) else None
