"""`mlforge signing sign`: a signature under a version that is registered already."""

from __future__ import annotations

from pathlib import Path

import click

from mlforge.cli.workplace import Workplace, store_option
from mlforge.errors import RecipeError

__all__ = ["sign"]


@click.command("sign")
@click.argument("model", metavar="MODEL[@ALIAS|@VERSION]")
@click.option("--key", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="The private key, in place of that of the project's settings.")
@click.option("--passphrase-env", metavar="NAME", default="", help="With --key: the variable of the environment with its passphrase.")
@store_option
def sign(model: str, key: Path | None, passphrase_env: str, store: str | None) -> None:
    """Sign a version with the project's key, or with another that it trusts.

    `mlforge run` signs what it registers, where the settings name a key. This is for versions that are older, that were registered elsewhere, or whose key
    is about to go: a version may have signatures of several keys, and one that counts is enough.

    \b
    mlforge signing sign adult@3
    mlforge signing sign adult@champion --key ~/.keys/ops-2027.pem
    """
    from mlforge.signing import KeyPlace
    from mlforge.signing.keys import PrivateKey

    place = Workplace.here()
    opened = place.existing(store)
    trust = opened.vouched.trust
    if not trust:
        raise RecipeError("this project trusts no key, so that a signature would not count", hint="See: mlforge signing key --help")
    if key is not None:
        private: PrivateKey | None = PrivateKey.read(KeyPlace(key.expanduser(), passphrase=passphrase_env), "--key")
    else:
        private = trust.signer()
    if private is None:
        raise RecipeError("the project's settings name no key that signs", hint="Name one here: --key FILE; or there: signing.key or signing.key_env.")
    if key is not None:
        trust.accepts(private, f"--key: {key}")
    version = opened.registry.resolve(model)
    made = opened.vouched.made(version, private)
    opened.signatures.add(version, made.key, made.text())
    click.echo(f"{version} is signed by {trust.named(made.key)}")
