"""`mlforge keys ls`: which keys there are."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import click

from mlforge.cli.keys import file_option, key_file

__all__ = ["ls"]


@click.command("ls")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@file_option
def ls(as_json: bool, file: str | None) -> None:
    """List the keys: what each is for, and whether it is valid.

    The keys themselves are not known.
    """
    from mlforge.cli.table import columns
    from mlforge.serving.access.keys import KeyFile

    path = key_file(file)
    keys = KeyFile(path).read() if file is not None or path.exists() else ()
    now = datetime.now(UTC)
    if as_json:
        click.echo(json.dumps([{**key.model_dump(mode="json", exclude={"sha256"}), "state": key.state(now)} for key in keys], indent=1))
        return
    if not keys:
        click.echo("No key yet. Try: mlforge keys new NAME --scope predict")
        return
    rows = [("NAME", "ID", "SCOPES", "MADE", "STATE")]
    rows += [(key.name, key.id, " ".join(key.scopes), f"{key.created:%Y-%m-%d}", _state(key.state(now), key.expires)) for key in keys]
    click.echo("\n".join(columns(rows)))


def _state(state: str, expires: datetime | None) -> str:
    return f"{state} until {expires:%Y-%m-%d %H:%M} UTC" if state == "valid" and expires else state
