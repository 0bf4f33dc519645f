"""`mlforge doctor`: is everything there that a run needs."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

import click

from mlforge.cli.table import columns
from mlforge.errors import MissingRequirement

__all__ = ["command"]


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def command(as_json: bool) -> None:
    """Look over this installation and project.

    Ends with exit code 5 when something is missing without which nothing works.
    """
    from mlforge.cli.examine import examine

    points = list(examine())
    if as_json:
        click.echo(json.dumps([asdict(point) for point in points], indent=1, ensure_ascii=False))
    else:
        for line in columns([(point.mark, point.what, point.found + (f"  → {point.remedy}" if point.remedy else "")) for point in points]):
            click.echo(line)
    missing = [point.what for point in points if point.state == "missing"]
    if missing:
        if as_json:
            sys.exit(MissingRequirement.exit_code)
        raise MissingRequirement(f"missing: {', '.join(missing)}", hint="The lines above say what to do.")
