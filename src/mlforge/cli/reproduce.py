"""`mlforge reproduce`: a version, made again and compared."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import click

from mlforge.cli.workplace import Workplace, store_option
from mlforge.errors import RunFailed

__all__ = ["command"]


@click.command("reproduce")
@click.argument("model", metavar="MODEL[@ALIAS|@VERSION]")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@store_option
def command(model: str, as_json: bool, store: str | None) -> None:
    """Make a version again from its record, and compare every artifact.

    The recipe and overrides of its run are run once more in an empty store, which is thrown away.

    \b
    mlforge reproduce adult@3
    """
    place = Workplace.here()
    opened = place.store(store)
    version = opened.registry.resolve(model)
    run = opened.records.run(version.run)
    recipe = place.recipe(run.recipe, run.overrides, for_run=True)
    from mlforge.cli.progress import Terminal
    from mlforge.lifecycle.reporter import Quiet
    from mlforge.lifecycle.reproduce import reproduce
    from mlforge.plugins import Catalog, hooks

    terminal = Terminal()
    unheard = hooks(place.project, Catalog())  # trackers were told of the run when it was made
    with tempfile.TemporaryDirectory(prefix="mlforge-reproduce-") as folder:
        try:
            made = reproduce(recipe, unheard, opened, version, Path(folder), Quiet() if as_json else terminal)
        finally:
            terminal.close()
    if as_json:
        artifacts = [{"stage": one.stage, "port": one.port, "then": one.then, "now": one.now, "same": one.same, "reason": one.reason} for one in made.artifacts]
        click.echo(
            json.dumps({"model": version.model, "version": version.version, "same": made.same, "recipe": list(made.recipe), "artifacts": artifacts}, indent=1)
        )
    else:
        for one in made.artifacts:
            click.echo(
                f"  {'same ' if one.same else 'OTHER'}  {one.stage:<10} {one.port:<12} {one.then[:12]}{'' if one.same else f' → {one.now[:12]}  {one.reason}'}"
            )
    if made.first is None:
        click.echo(f"{version}: all {len(made.artifacts)} artifacts are the same, byte for byte.", err=as_json)
        return
    changed = f"; the recipe differs from the recorded one: {', '.join(made.recipe[:3])}" if made.recipe else ""
    others = f"{sum(not one.same for one in made.artifacts)} of {len(made.artifacts)} artifacts are others"
    raise RunFailed(
        f"{version}: {others}; the first is {made.first.port} of {made.first.stage}: {made.first.reason}{changed}",
        hint="Restore what differs first, and run again.",
    )
