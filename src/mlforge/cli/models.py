"""`mlforge models`: what is registered."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from mlforge.cli.workplace import Workplace

__all__ = ["command"]


@click.command("models")
@click.argument("model", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def command(model: str | None, as_json: bool) -> None:
    """List models, or the versions of one."""
    store = Workplace.here().store()
    names = [model] if model else store.registry.models()
    if model:
        store.registry.resolve(model)  # an unknown name is answered with the near one
    versions = [version for name in names for version in store.registry.versions(name)]
    if as_json:
        click.echo(json.dumps([asdict(version) for version in versions], indent=1))
        return
    if not versions:
        click.echo("No model yet. Try: mlforge run breast_cancer")
    for version in versions:
        aliases = ", ".join(version.aliases)
        click.echo(f"{version.model:<16} {version.version:>4}  {aliases:<22} {version.created:<20}  run {version.run}".rstrip())
    if model and versions:
        click.echo(f"Bundle of version {versions[-1].version}: {store.artifacts.path(versions[-1].bundle)}")
