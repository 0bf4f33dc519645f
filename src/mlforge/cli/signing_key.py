"""`mlforge signing key`: a pair of keys for signatures under versions."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mlforge.errors import RecipeError

if TYPE_CHECKING:
    from mlforge.signing.keys import Kind

__all__ = ["key"]


@click.command("key")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--kind", type=click.Choice(["p256", "ed25519"]), default="p256", show_default=True, help="OpenSSF's model_signing verifies p256 only.")
@click.option("--passphrase-env", metavar="NAME", help="The variable of the environment with a passphrase that encrypts the private key.")
def key(file: Path, kind: Kind, passphrase_env: str | None) -> None:
    """Make a pair of keys: one that signs, and one by which others tell.

    The private key is written to FILE, for you alone; the public one beside it.

    \b
    mlforge signing key ~/.keys/ops.pem
    mlforge signing key ~/.keys/ops.pem --passphrase-env MLFORGE_SIGNING_PASSPHRASE
    """
    from mlforge.signing.keys import make_pair

    public_file = file.with_suffix(f".pub{file.suffix or '.pem'}")
    passphrase = os.environ.get(passphrase_env, "") if passphrase_env else ""
    if passphrase_env and not passphrase:
        raise RecipeError(f"--passphrase-env: the variable {passphrase_env} is not set", hint=f"Set {passphrase_env}.")
    private, public = make_pair(kind, passphrase)
    for path, content, mode in ((file, private, 0o600), (public_file, public.pem, 0o644)):
        _write(path, content, mode)
    click.echo(f"{public.ident[:12]}  {kind}")
    click.echo(f"Wrote {file} (signs; keep it secret) and {public_file} (by which others tell). In the project's mlforge.toml:")
    click.echo(f'  [signing]\n  key = "{file}"\n  [signing.trusted]\n  {_name(file)} = "{public_file}"')


def _write(path: Path, content: bytes, mode: int) -> None:
    """A new file, or nothing: a key that is lost cannot be made again."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError:
        raise RecipeError(f"{path} is there already, and was not touched", hint="Choose another name.") from None
    except OSError as error:
        raise RecipeError(f"{path} cannot be written: {error.strerror}") from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)


def _name(file: Path) -> str:
    plain = "".join(sign if sign.isalnum() and sign.isascii() else "_" for sign in file.stem)
    return plain if plain[:1].isalpha() else f"key_{plain}"
