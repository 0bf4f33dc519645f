"""`mlforge alerts`: what monitors have found, who looks after it, and of what nobody is to be told; each command in a module of its own."""

from __future__ import annotations

import click

from mlforge.cli.group import Parts

__all__ = ["command"]


@click.group("alerts", cls=Parts, invoke_without_command=True, subcommand_metavar="[COMMAND …]")
@click.pass_context
def command(ctx: click.Context) -> None:
    """List alerts, acknowledge and silence them, and write rules for Prometheus.

    Alone, it lists those that are open, as `ls` does.

    \b
    mlforge alerts
    mlforge alerts ls adult --all
    mlforge alerts ack 17 --reason "billing_v2 is being mended"
    mlforge alerts silence adult --finding 'live/drift/*' --for 3d --reason "campaign"
    mlforge alerts rules adult > rules/adult.yml
    """
    if ctx.invoked_subcommand is None:
        from mlforge.cli.alerts_ls import ls

        ctx.invoke(ls)
