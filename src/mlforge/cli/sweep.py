"""`mlforge sweep`: the commands over what sweeps have tried and found, each in a module of its own."""

from __future__ import annotations

import click

from mlforge.cli.group import Parts
from mlforge.cli.workplace import Workplace

__all__ = ["command"]


@click.group("sweep", cls=Parts, invoke_without_command=True, subcommand_metavar="[COMMAND …]")
@click.pass_context
def command(ctx: click.Context) -> None:
    """Show what a sweep has tried and found.

    Alone, it lists the newest sweep of each recipe.

    \b
    mlforge sweep
    mlforge sweep show adult
    """
    if ctx.invoked_subcommand is None:
        from mlforge.cli.sweep_show import listed

        for line in listed(Workplace.here().existing(None)):
            click.echo(line)
