"""`mlforge runs`: what has been run."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from mlforge.cli.workplace import Workplace, store_option

__all__ = ["command"]


@click.command("runs")
@click.argument("run", required=False)
@click.option("--recipe", help="Only the runs of this recipe.")
@click.option("--limit", default=20, show_default=True, help="How many, the newest first.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@store_option
def command(run: str | None, recipe: str | None, limit: int, as_json: bool, store: str | None) -> None:
    """List runs, or show one with its stages and outputs."""
    from mlforge.report.figures import duration, moment

    place = Workplace.here()
    opened = place.existing(store)
    if run is None:
        records = opened.records.runs(recipe, limit)
        if as_json:
            click.echo(json.dumps([asdict(record) for record in records], indent=1, default=str))
            return
        if not records:
            click.echo("No run yet. Try: mlforge run breast_cancer")
        for record in records:
            click.echo(f"{record.id}  {record.recipe:<16} {record.state:<12} {moment(record.started)} {record.message.partition(chr(10))[0][:60]}".rstrip())
        return
    record = opened.records.run(run)
    if as_json:
        click.echo(json.dumps(asdict(record), indent=1, default=str))
        return
    click.echo(f"{record.recipe}  run {record.id}  {record.state}  {moment(record.started)}")
    if record.message:
        click.echo(f"  {record.message}")
    for stage in record.stages:
        click.echo(f"  {stage.name:<10} {stage.state:<8} {duration(stage.seconds) if stage.seconds is not None else '':>10}")
        for port, digest in stage.outputs.items():
            click.echo(f"      {port:<12} {opened.artifacts.path(digest) if opened.artifacts.has(digest) else 'gone'}")
