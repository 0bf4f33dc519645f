"""`mlforge signing verify`: who has signed what."""

from __future__ import annotations

import json
from pathlib import Path

import click

from mlforge.cli.workplace import Workplace, store_option
from mlforge.errors import RecipeError

__all__ = ["verify"]


@click.command("verify")
@click.argument("model", metavar="MODEL[@ALIAS|@VERSION]|FOLDER")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@store_option
def verify(model: str, as_json: bool, store: str | None) -> None:
    """Say who has signed a version, or the bundle in a folder.

    The exit code is 4 when nobody has whose signature counts. A bundle's folder has its signature in `model.sig`.

    \b
    mlforge signing verify adult@champion
    mlforge signing verify /srv/models/adult
    """
    place = Workplace.here()
    trust = place.project.trust
    if not trust:
        raise RecipeError("this project trusts no key, so that there is nothing to verify", hint="See: mlforge signing key --help")
    folder = Path(model)
    if (folder / "bundle.json").is_file():
        found, what = trust.verify_folder(folder), ""
    else:
        opened = place.existing(store)
        version = opened.registry.resolve(model)
        signed = opened.vouched.signed(version)
        assert signed is not None
        found, what = signed, str(version)
    if as_json:
        told = {"model": found.subject.model, "version": found.subject.version, "by": found.by, "key": found.key, "files": dict(found.files)}
        click.echo(json.dumps(told, indent=1))
    else:
        click.echo(f"{what or f'{model}: {found.subject}'} is signed by {found}: {len(found.files)} files")
