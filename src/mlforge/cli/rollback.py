"""`mlforge rollback`: back to the version that served before."""

from __future__ import annotations

import json

import click

from mlforge.cli.workplace import Workplace, store_option

__all__ = ["command"]


@click.command("rollback")
@click.argument("model")
@click.option("--to", type=int, metavar="VERSION", help="The earlier version to go back to; otherwise the one before.")
@click.option("--alias", default="champion", show_default=True, help="The alias to move.")
@click.option("--reason", default="", help="Why, for the audit log.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@store_option
def command(model: str, to: int | None, alias: str, reason: str, as_json: bool, store: str | None) -> None:
    """Go back to the version that was champion before.

    What was rolled back is not gone back to by the next rollback. A server that follows the alias swaps within two seconds.

    \b
    mlforge rollback adult --reason "answers too slowly"
    """
    place = Workplace.here()
    opened = place.existing(store)
    hooks = place.hooks  # wrong settings of a plugin are told before anything is done
    target = opened.registry.previous(model, alias) if to is None else next((one for one in opened.registry.versions(model) if one.version == to), None)
    if target is not None:
        opened.vouched.signed(target)
    moved = opened.registry.roll_back(model, to, alias=alias, reason=reason)
    assert moved is not None, "only where a version is named can it be another"
    now, before = moved
    hooks.event("rolled_back", str(now), now.details(opened.where(now), alias, before=before.version, reason=reason))
    if as_json:
        click.echo(json.dumps({"model": model, "alias": alias, "version": now.version, "before": before.version, "reason": reason}))
        return
    click.echo(f"{now} is {alias} again; {before.version} was rolled back" + (f": {reason}" if reason else ""))
