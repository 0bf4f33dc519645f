"""`mlforge models`: what is registered."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from mlforge.cli.workplace import Workplace, store_option

__all__ = ["command"]


@click.command("models")
@click.argument("model", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@store_option
def command(model: str | None, as_json: bool, store: str | None) -> None:
    """List models, or the versions of one."""
    from mlforge.report.figures import moment

    opened = Workplace.here().existing(store)
    names = [model] if model else opened.registry.models()
    if model:
        opened.registry.resolve(model)  # an unknown name is answered with the near one
    versions = [version for name in names for version in opened.registry.versions(name)]
    if as_json:
        click.echo(json.dumps([asdict(version) for version in versions], indent=1))
        return
    if not versions:
        click.echo("No model yet. Try: mlforge run breast_cancer")
    for version in versions:
        aliases = ", ".join(version.aliases)
        click.echo(f"{version.model:<16} {version.version:>4}  {aliases:<22} {moment(version.created)}  run {version.run}".rstrip())
    if model and versions:
        click.echo(f"Bundle of version {versions[-1].version}: {opened.artifacts.path(versions[-1].bundle)}")
