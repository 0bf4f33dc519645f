"""`mlforge sweep`: the commands over what sweeps have tried and found, each in a module of its own."""

from __future__ import annotations

import click

from mlforge.cli.group import Parts

__all__ = ["command"]


@click.group("sweep", cls=Parts)
def command() -> None:
    """Show what a sweep has tried and found.

    \b
    mlforge sweep show adult
    """
