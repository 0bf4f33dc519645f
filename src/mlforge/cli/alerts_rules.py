"""`mlforge alerts rules`: for those whose Prometheus wakes people."""

from __future__ import annotations

import click

from mlforge.cli.workplace import Workplace, store_option

__all__ = ["rules"]


@click.command("rules")
@click.argument("model")
@click.option("--slow", default=0.5, show_default=True, type=click.FloatRange(min=0, min_open=True), help="Seconds that 99 of 100 requests may take.")
@store_option
def rules(model: str, slow: float, store: str | None) -> None:
    """Write alerting rules for Prometheus, whose Alertmanager tells people.

    They speak of what a server counts at /metrics, and of alerts, as `mlforge alerts ls --prometheus` prints them.

    \b
    mlforge alerts rules adult --slow 0.1 > rules/adult.yml
    """
    version = Workplace.here().existing(store).registry.resolve(model)
    from mlforge.monitoring.rules import rules as written

    click.echo(written(version.model, slow), nl=False)
