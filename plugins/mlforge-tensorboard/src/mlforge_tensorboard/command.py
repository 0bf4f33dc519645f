"""`mlforge tensorboard`: show what the project's runs have written."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click
from pydantic import ValidationError

from mlforge.errors import RecipeError
from mlforge.project import Project
from mlforge_tensorboard.settings import Settings

__all__ = ["command"]


@click.command("tensorboard")
@click.option("--host", default="127.0.0.1", show_default=True, help="Whom to listen to; 0.0.0.0 is everybody.")
@click.option("--port", default=6006, show_default=True, type=click.IntRange(0, 65535), help="Where to listen; 0 for any that is free.")
def command(host: str, port: int) -> None:
    """Show the curves and findings of this project's runs. It stays up until Ctrl-C.

    \b
    mlforge tensorboard --port 7007
    """
    project = Project.find(Path.cwd())
    try:
        folder = Settings.model_validate(dict(project.given.get("mlforge-tensorboard", {}))).under(project.root)
    except ValidationError as error:
        raise RecipeError(f"{project.settings}: settings.mlforge-tensorboard: {error.errors()[0]['msg']}", hint="Try: mlforge check RECIPE") from None
    if not folder.is_dir():
        raise RecipeError(f"{folder}: no run has written anything yet", hint="Try: mlforge run RECIPE")
    sys.stdout.flush()
    arguments = [sys.executable, "-P", "-m", "tensorboard.main", "--logdir", str(folder), "--host", host, "--port", str(port)]
    os.execv(sys.executable, arguments)  # noqa: S606 - it takes this process's place, so that signals reach it
