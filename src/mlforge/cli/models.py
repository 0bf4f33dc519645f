"""`mlforge models`: what is registered."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mlforge.cli.workplace import Workplace, store_option
from mlforge.errors import RecipeError

if TYPE_CHECKING:
    from mlforge.store import Store

__all__ = ["command"]


@click.command("models")
@click.argument("model", required=False)
@click.option("--card", is_flag=True, help="Print the card of one version: MODEL, MODEL@ALIAS or MODEL@VERSION. With --json, its bill of materials.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@store_option
def command(model: str | None, card: bool, as_json: bool, store: str | None) -> None:
    """List models, or the versions of one.

    \b
    mlforge models adult
    mlforge models adult@champion --card
    """
    from mlforge.report.figures import moment

    opened = Workplace.here().existing(store)
    if card:
        if model is None:
            raise click.UsageError("--card needs a model: mlforge models MODEL --card")
        click.echo(_card(opened, model, "bom.json" if as_json else "card.md"), nl=False)
        return
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
        signed = f"  {opened.vouched.told(version)}" if opened.vouched.trust else ""
        click.echo(f"{version.model:<16} {version.version:>4}  {aliases:<22} {moment(version.created)}  run {version.run}{signed}".rstrip())
    if model and versions and versions[-1].card:
        click.echo(f"Card of version {versions[-1].version}: {_opened(opened.artifacts.path(versions[-1].card))}")
    if model and versions:
        click.echo(f"Bundle of version {versions[-1].version}: {opened.artifacts.path(versions[-1].bundle)}")


def _opened(card: Path) -> Path:
    """The page that people open; versions of an older mlforge have none."""
    page = card / "card.html"
    return page if page.is_file() else card


def _card(store: Store, reference: str, file: str) -> str:
    version = store.registry.resolve(reference)
    if version.card is None:
        raise RecipeError(f"{version} has no card: an older mlforge registered it", hint="The next version has one.")
    store.artifacts.verify(version.card)
    if store.vouched.trust:
        click.echo(f"{version} is {store.vouched.told(version)}", err=True)
    return (store.artifacts.path(version.card) / file).read_text(encoding="utf-8")
