"""`mlforge keys`: the keys by which people and programs may ask a server, each command in a module of its own."""

from __future__ import annotations

from pathlib import Path

import click

from mlforge.cli.group import Parts

__all__ = ["command", "file_option", "key_file"]

file_option = click.option("--file", metavar="FILE", help="The file of keys, where it is not the project's own (.mlforge/keys.json).")


def key_file(named: str | None) -> Path:
    """The file of keys that is named, else the project's."""
    from mlforge.cli.workplace import Workplace
    from mlforge.serving.access.keys import FILE

    return Workplace.here().project.state / FILE if named is None else Path(named).expanduser()


@click.group("keys", cls=Parts)
def command() -> None:
    """Make, list and revoke the keys of those who may ask a server.

    \b
    mlforge keys new batch-job --scope predict
    mlforge keys ls
    mlforge keys revoke batch-job
    """
