"""`mlforge alerts ack`: somebody looks after it."""

from __future__ import annotations

import click

from mlforge.cli.workplace import Workplace, store_option

__all__ = ["ack"]


@click.command("ack")
@click.argument("number", type=click.IntRange(min=1), metavar="ALERT")
@click.option("--reason", default="", help="What is done about it, for those who look next.")
@store_option
def ack(number: int, reason: str, store: str | None) -> None:
    """Say that you look after an alert: nobody is told of it again, unless it becomes worse.

    \b
    mlforge alerts ack 17 --reason "billing_v2 is being mended"
    """
    kept, new = Workplace.here().existing(store).alerts.acknowledge(number, " ".join(reason.split()))
    if kept.state == "over":
        click.echo(f"alert {number} is over already, since {kept.ends[:16].replace('T', ' ')}")
    else:
        click.echo(f"alert {number} is acknowledged by {kept.actor}{'' if new else ', as before'}: {kept.model} {kept.version}, {kept.finding}")
