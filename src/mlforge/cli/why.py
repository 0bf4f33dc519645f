"""`mlforge why`: the causal trail of something that happened."""

from __future__ import annotations

import json

import click

from mlforge.cli.workplace import Workplace, store_option

__all__ = ["command"]


@click.command("why")
@click.argument("what", nargs=-1, required=True, metavar="WHAT")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@store_option
def command(what: tuple[str, ...], as_json: bool, store: str | None) -> None:
    """Say why something is as it is: an alert, a gate, a run, a version, a rollback, a retraining.

    What happened, and step by step what it was caused by, back to data and declaration: from the records and the audit log alone, which is verified first.

    \b
    mlforge why alert 17
    mlforge why gate 01jd8q
    mlforge why run adult
    mlforge why adult@4
    mlforge why rollback adult
    mlforge why retraining 3
    """
    opened = Workplace.here().existing(store)
    from mlforge.trail import trail_of

    told = trail_of(opened, what)
    if as_json:
        click.echo(json.dumps(told.plain(), indent=1, ensure_ascii=False))
        return
    click.echo("\n".join(told.lines()))
