"""Where a verb works: the project around the current folder, its plugins, and a recipe's store."""

from __future__ import annotations

import logging
import os
import re
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mlforge.errors import RecipeError
from mlforge.plugins import Catalog, Hooks, catalog, hooks
from mlforge.project import Project
from mlforge.secrets import remember, remember_passwords

if TYPE_CHECKING:
    from mlforge.recipe import Recipe
    from mlforge.store import Store

__all__ = ["Workplace", "store_option"]

log = logging.getLogger(__name__)

_MANY = 4  # plugins that are asked in a moment

store_option = click.option("--store", metavar="FOLDER|URL", help="The store to look in, where it is not the project's own.")


@dataclass
class Workplace:
    """The project that the user stands in."""

    project: Project

    @classmethod
    def here(cls) -> Workplace:
        """The project around the current folder."""
        return cls(Project.find(Path.cwd()))

    @cached_property
    def catalog(self) -> Catalog:
        """What the installed plugins and the project's own bring along."""
        return catalog(self.project, _ask)

    @cached_property
    def hooks(self) -> Hooks:
        """The behaviour hooks; loading them imports the plugins' modules."""
        for plugin in self.catalog.plugins:
            for warning in plugin.warnings:
                log.warning("plugin %s %s: %s", plugin.name, plugin.version, warning)
        return hooks(self.project, self.catalog)

    def recipe(self, reference: str, overrides: tuple[str, ...], *, for_run: bool = False) -> Recipe:
        """A recipe, composed and checked; RecipeError with all its problems. `for_run`: MissingRequirement when something that it needs is not installed."""
        from mlforge.recipe import compose

        composed = compose(reference, overrides, self.project, self.catalog, for_run=for_run, further=self.hooks.check)
        for line in composed.deprecations:
            log.warning("%s", line)
        return composed

    def store(self, named: str | None = None, *, reading: bool = False) -> Store:
        """The store that is named (by a recipe, or on the command line), else the project's; closed when the command is over.

        For a verb that is only `reading`, one that has not been made yet is an empty one that goes with the command.
        """
        from mlforge.store import Store

        whole = named is not None and "://" not in named  # a folder that is named is all of a store
        at = named or self._place()
        remember_passwords(at or "")
        if reading and (folder := self._folder(at)) is not None and not folder.exists():
            store = Store.at(None, self._passing(), self.project.artifacts, self.project.trust)
        else:
            store = Store.at(at, self.project.state, None if whole else self.project.artifacts, self.project.trust)
        if (context := click.get_current_context(silent=True)) is not None:
            context.call_on_close(store.close)
        return store

    def existing(self, named: str | None) -> Store:
        """The store that `--store` names, else the project's, to look into. RecipeError when the one that is named is not there."""
        if named is not None and (folder := self._folder(named)) is not None and not folder.exists():
            raise RecipeError(f"--store: there is no store at {named}", hint="Name the folder that a run has made; .mlforge by default.")
        return self.store(named, reading=True)

    def _folder(self, at: str | None) -> Path | None:
        """The folder of a store; None when it is at a URL."""
        if at is not None and "://" in at:
            return None
        return self.project.state if at is None else Path(at).expanduser()

    @staticmethod
    def _passing() -> Path:
        """A folder that goes with the command."""
        import tempfile

        folder = tempfile.TemporaryDirectory(prefix="mlforge-")
        click.get_current_context().call_on_close(folder.cleanup)
        return Path(folder.name)

    def _place(self) -> str | None:
        """Where the project's settings say that the store is: a folder below its root, or a URL, with variables that the project allows."""
        written = self.project.store
        if written is None:
            return None
        place = self.filled(written, f"{self.project.settings}: store")
        return place if "://" in place else str(self.project.root / Path(place).expanduser())

    def filled(self, text: str, where: str) -> str:
        """A text with the variables of the environment that it names, which the project must allow."""
        return re.sub(r"\$\{oc\.env:(\w+)\}", lambda found: self._variable(found[1], where), text)

    def _variable(self, name: str, where: str) -> str:
        value = os.environ.get(name) if name in self.project.env else None
        if value is None:
            why = "is not set" if name in self.project.env else "is not among those that the project allows"
            raise RecipeError(f"{where}: the variable {name} {why}", hint=f'Set it, and list it: env = ["{name}"].')
        remember(value)
        return value


def _ask(count: int) -> None:
    """Say why this command takes longer than others, to a person who waits for it."""
    if count >= _MANY and sys.stderr.isatty():
        click.echo(f"Asking {count} plugins what they provide, once …", err=True)
