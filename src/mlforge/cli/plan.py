"""`mlforge plan`: what a run would do, and why."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from mlforge.cli.workplace import Workplace

if TYPE_CHECKING:
    from mlforge.lifecycle.plan import Lifecycle, Planned

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
    from mlforge.lifecycle.costs.estimate import estimated, too_much

    lifecycle = assemble(composed, place.store(composed.store, reading=True), smoke=smoke)
    steps = lifecycle.plan()
    stages, whole = estimated(steps, lifecycle.store, composed.name, composed.budget, smoke=smoke)
    if as_json:
        rows = [{"stage": s.name, "state": s.state, "reason": s.reason, "key": s.key, "outputs": dict(s.outputs), "seconds": s.seconds} for s in steps]
        click.echo(json.dumps(rows, indent=1))
        return
    for dropped in composed.dropped:
        click.echo(f"dropped    {dropped}")
    for step in steps:
        detail = f"{step.key[:8]}…{_decided(step, lifecycle)}" if step.state == "reuse" else step.reason
        about = stages[step.name].text(composed.budget) if step.name in stages else ""
        word = "run" if step.state == "after" else step.state
        click.echo(f"{step.name:<10} {word:<6} {detail:<60} {about}".rstrip())
    if whole is not None:
        click.echo(f"{'in all':<79}{whole.text(composed.budget)}")
    if whole is not None and composed.budget is not None:
        for warning in too_much(whole, composed.budget):
            click.echo(f"budget     {warning}")


def _decided(step: Planned, lifecycle: Lifecycle) -> str:
    """What was decided when the bundles were exported under a compression contract: it is reused with them."""
    from mlforge.artifact import Bundles
    from mlforge.lifecycle.bundling.compressing import Decision

    port = next((port for port, kind in step.node.stage.outputs.items() if issubclass(kind, Bundles)), None)
    decision = None if port is None else Decision.read(lifecycle.store.artifacts.path(step.outputs[port]))
    return "" if decision is None else f"   {decision.ships} ships" if decision.kept else "   no variant keeps the contract"
