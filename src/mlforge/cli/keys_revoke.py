"""`mlforge keys revoke`: a key that opens nothing any more."""

from __future__ import annotations

import click

from mlforge.cli.keys import file_option, key_file

__all__ = ["revoke"]


@click.command("revoke")
@click.argument("key", metavar="NAME|ID")
@file_option
def revoke(key: str, file: str | None) -> None:
    """Take back a key.

    Running servers that read the same file notice within a second.

    \b
    mlforge keys revoke batch-job
    """
    from mlforge.serving.access.keys import KeyFile

    gone = KeyFile(key_file(file)).revoke(key)
    click.echo(f"{gone.name} ({gone.id}) opens nothing any more")
