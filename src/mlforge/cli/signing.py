"""`mlforge signing`: signatures under versions, each command in a module of its own."""

from __future__ import annotations

import click

from mlforge.cli.group import Parts

__all__ = ["command"]


@click.group("signing", cls=Parts)
def command() -> None:
    """Sign versions, and verify who has signed one.

    A project whose settings trust keys opens no version that none of them has signed; see docs/howto/sign_models.md.

    \b
    mlforge signing key ~/.keys/ops.pem
    mlforge signing sign adult@3
    mlforge signing verify adult@champion
    mlforge signing export adult@3 adult-3.sig
    """
