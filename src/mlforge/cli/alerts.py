"""`mlforge alerts`: what monitors have found, who looks after it, and of what nobody is to be told; each command in a module of its own."""

from __future__ import annotations

import click

from mlforge.cli.group import Parts

__all__ = ["command"]


@click.group("alerts", cls=Parts)
def command() -> None:
    """List alerts, acknowledge and silence them, and write rules for Prometheus.

    \b
    mlforge alerts ls
    mlforge alerts ack 17 --reason "billing_v2 is being mended"
    mlforge alerts silence adult --finding 'live/drift/*' --for 3d --reason "campaign"
    mlforge alerts rules adult > rules/adult.yml
    """
