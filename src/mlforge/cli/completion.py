"""`mlforge completion`: the script that lets a shell complete mlforge's commands, and what it asks."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["command"]

_SHELLS = ("bash", "zsh", "fish")
_FOLDER = Path(__file__).parent / "shells"


@click.command("completion")
@click.argument("shell", nargs=-1, required=True, metavar="[bash|zsh|fish]")
@click.option("--words", is_flag=True, hidden=True, help="Say what the last of these words may become; what the scripts ask.")
def command(shell: tuple[str, ...], words: bool) -> None:
    """Print what lets a shell complete verbs, recipes, keys and models.

    \b
    eval "$(mlforge completion bash)"                into ~/.bashrc
    eval "$(mlforge completion zsh)"                 into ~/.zshrc, below compinit
    mlforge completion fish | source                 into ~/.config/fish/config.fish
    """
    if words:
        from mlforge.cli.completing import complete

        for word, line in dict(complete(shell)).items():
            click.echo(f"{word}\t{line}")
        return
    if len(shell) != 1 or shell[0] not in _SHELLS:
        raise click.UsageError(f"one shell was expected: {', '.join(_SHELLS)}")
    click.echo((_FOLDER / f"mlforge.{shell[0]}").read_text(encoding="utf-8"), nl=False)
