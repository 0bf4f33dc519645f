"""`mlforge signing export`: a signature as a file."""

from __future__ import annotations

from pathlib import Path

import click

from mlforge.cli.workplace import Workplace, store_option
from mlforge.errors import RecipeError

__all__ = ["export"]


@click.command("export")
@click.argument("model", metavar="MODEL[@ALIAS|@VERSION]")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@store_option
def export(model: str, file: Path, store: str | None) -> None:
    """Write a version's signature to a file, for other tools and other machines.

    It is a bundle of Sigstore's, as OpenSSF's model signing writes them. Beside a copy of the model's bundle it is called `model.sig`.

    \b
    mlforge signing export adult@3 adult-3.sig
    model_signing verify key BUNDLE --signature adult-3.sig --public_key keys/ops.pub.pem
    """
    opened = Workplace.here().existing(store)
    if not opened.vouched.trust:
        raise RecipeError("this project trusts no key, so that no signature counts", hint="See: mlforge signing key --help")
    version = opened.registry.resolve(model)
    text = opened.vouched.envelope(version)
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise RecipeError(f"{file} cannot be written: {error.strerror}") from None
    click.echo(f"Wrote {file}: {version}, {opened.vouched.told(version)}, the bundle is {opened.vouched.folder(version)}")
