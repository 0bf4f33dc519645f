"""`mlforge promote`: which version serves."""

from __future__ import annotations

import click

from mlforge.cli.workplace import Workplace, store_option

__all__ = ["command"]


@click.command("promote")
@click.argument("model")
@click.argument("version", type=int)
@click.option("--alias", default="champion", show_default=True, help="The alias to move.")
@click.option("--reason", default="", help="Why, for the audit log.")
@store_option
def command(model: str, version: int, alias: str, reason: str, store: str | None) -> None:
    """Make a version the champion.

    \b
    mlforge promote adult 4 --reason "better on the new quarter"
    """
    place = Workplace.here()
    opened = place.existing(store)
    before = opened.registry.champion(model) if alias == "champion" else None
    hooks = place.hooks  # wrong settings of a plugin are told before anything is done
    opened.vouched.signed(opened.registry.resolve(f"{model}@{version}"))
    now = opened.registry.set_alias(model, alias, version, actor=None, reason=reason)
    hooks.event("promoted", str(now), now.details(opened.where(now), alias, reason=reason))
    click.echo(f"{model} {version} is {alias}" + (f"; before, {before.version} was" if before and before.version != version else ""))
