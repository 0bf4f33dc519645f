"""`mlforge sweep show`: the trials of a sweep, and which was chosen."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from mlforge.cli.workplace import Workplace, store_option
from mlforge.errors import RecipeError, nearest

if TYPE_CHECKING:
    from mlforge.artifact import Tuned
    from mlforge.store import RunRecord, Store

__all__ = ["listed", "show"]

_LOOKED_AT = 200  # runs of a recipe, the newest first
_MOST = 60  # trials that are printed


@click.command("show")
@click.argument("of", metavar="RECIPE|RUN")
@click.option("--json", "as_json", is_flag=True, help="Print every trial as JSON.")
@store_option
def show(of: str, as_json: bool, store: str | None) -> None:
    """Print the trials of a run's sweep, or of a recipe's newest, the best first.

    \b
    mlforge sweep show adult
    mlforge sweep show 01jd8q --json
    """
    from mlforge.cli.table import columns
    from mlforge.lifecycle.sweep.view import sweep_view
    from mlforge.report.sweep import sweep_lines

    opened = Workplace.here().store(store)
    run, tuned = _found(opened, of)
    view = sweep_view(tuned)
    if as_json:
        click.echo(json.dumps({"recipe": run.recipe, "run": run.id, **asdict(view)}, indent=1))
        return
    click.echo(f"{run.recipe}  run {run.id}  {len(view.trials)} trials")
    rows = sweep_lines(view)
    for line in columns(rows[: _MOST + 1], 2):
        click.echo(line)
    if len(rows) - 1 > _MOST:
        click.echo(f"  and {len(rows) - 1 - _MOST} more: --json has all")
    told = ", ".join(f"{key} {share:.0%}" for key, share in sorted(view.importance.items(), key=lambda item: -item[1]))
    click.echo(f"Importance  {told}")
    click.echo(f"Best        trial {view.chosen}: {' '.join(view.overrides)}")


def listed(store: Store) -> Iterator[str]:
    """The newest sweep of each recipe, a line each; what to type where there is none."""
    from mlforge.cli.table import columns
    from mlforge.report.figures import moment

    newest: dict[str, tuple[str, ...]] = {}
    for run in store.records.runs(limit=_LOOKED_AT):
        if run.recipe not in newest and any("tuned" in stage.outputs for stage in run.stages):
            newest[run.recipe] = (run.recipe, moment(run.started), run.id, f"mlforge sweep show {run.recipe}")
    if newest:
        yield from columns([("RECIPE", "RUN OF", "RUN", "ITS TRIALS"), *newest.values()])
    else:
        yield "No sweep yet. Begin one: mlforge run RECIPE sweep=random"


def _found(store: Store, of: str) -> tuple[RunRecord, Tuned]:
    from mlforge.artifact import Tuned

    newest = store.records.runs(of, limit=_LOOKED_AT)
    for run in newest or [store.records.run(of)]:
        for stage in run.stages:
            digest = stage.outputs.get("tuned", "")
            if digest and store.artifacts.has(digest):
                return run, Tuned(store.artifacts.path(digest), digest)
    what = f"recipe {of}" if newest else f"run {of}"
    names = {run.recipe for run in store.records.runs(limit=_LOOKED_AT)}
    raise RecipeError(f"{what} has found no overrides by a sweep", hint=nearest(of, names) if not newest else f"Begin one: mlforge run {of} sweep=random")
