"""`mlforge plan`: what a run would do, and why."""

from __future__ import annotations

import json

import click

from mlforge.cli.workplace import Workplace

__all__ = ["command"]


@click.command("plan")
@click.argument("recipe")
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--smoke", is_flag=True, help="Plan a smoke run.")
@click.option("--json", "as_json", is_flag=True, help="Print the plan as JSON.")
def command(recipe: str, overrides: tuple[str, ...], smoke: bool, as_json: bool) -> None:
    """Say what a run would do, and why.

    \b
    mlforge plan adult trainer.max_epochs=40
    """
    place = Workplace.here()
    composed = place.recipe(recipe, overrides)
    from mlforge.lifecycle.assemble import assemble
    from mlforge.report.figures import duration

    steps = assemble(composed, place.catalog, place.store(composed.store, reading=True), smoke=smoke).plan()
    if as_json:
        rows = [{"stage": s.name, "state": s.state, "reason": s.reason, "key": s.key, "outputs": dict(s.outputs), "seconds": s.seconds} for s in steps]
        click.echo(json.dumps(rows, indent=1))
        return
    for dropped in composed.dropped:
        click.echo(f"dropped    {dropped}")
    for step in steps:
        detail = f"{step.key[:8]}…" if step.state == "reuse" else step.reason
        about = f"about {duration(step.seconds)}" if step.seconds is not None and step.state in ("run", "after") else ""
        word = "run" if step.state == "after" else step.state
        click.echo(f"{step.name:<10} {word:<6} {detail:<60} {about}".rstrip())
