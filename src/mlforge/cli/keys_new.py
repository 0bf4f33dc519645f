"""`mlforge keys new`: a key, shown once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import click

from mlforge.cli.keys import file_option, key_file
from mlforge.service.access import SCOPES

__all__ = ["new"]


@click.command("new")
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, type=click.Choice(SCOPES), default=("predict",), show_default=True, help="What it is for; may be repeated.")
@click.option("--expires", metavar="DURATION", help="How long it is valid, such as 90d or 12h; without it, until it is revoked.")
@file_option
def new(name: str, scopes: tuple[str, ...], expires: str | None, file: str | None) -> None:
    """Make a key and print it.

    It is kept as a digest, and cannot be printed again.

    \b
    mlforge keys new batch-job --scope predict --scope feedback --expires 90d
    KEY=$(mlforge keys new monitoring --scope metrics --file /srv/keys.json)
    """
    from mlforge.serving.access.keys import KeyFile

    path = key_file(file)
    key, token = KeyFile(path).add(name, tuple(dict.fromkeys(scopes)), _until(expires))
    click.echo(token)
    until = f" until {key.expires:%Y-%m-%d %H:%M} UTC" if key.expires else ""
    click.echo(f"{name} is for {' and '.join(key.scopes)}{until}; kept in {path}. This is the only time that the key is shown.", err=True)


def _until(written: str | None) -> datetime | None:
    if written is None:
        return None
    from pydantic import TypeAdapter, ValidationError

    from mlforge.units import Duration

    try:
        seconds = TypeAdapter(Duration).validate_python(written)
        return (datetime.now(UTC) + timedelta(seconds=seconds)).replace(microsecond=0)
    except (ValidationError, OverflowError):
        raise click.BadParameter(f"{written!r} is no duration; expected a number with a unit, such as 90d or 12h", param_hint="--expires") from None
