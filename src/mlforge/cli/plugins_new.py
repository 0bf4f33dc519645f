"""`mlforge plugins new`: a plugin's package, ready to be tested and published."""

from __future__ import annotations

from pathlib import Path

import click

from mlforge.cli.verbs import VERBS
from mlforge.errors import RecipeError
from mlforge.plugins.starter import KINDS, Kind, Names, write

__all__ = ["new"]


@click.command("new")
@click.argument("name")
@click.option("--kind", "kind_name", required=True, type=click.Choice(list(KINDS)), help="What it adds.", metavar="KIND")
@click.option("--into", type=click.Path(path_type=Path), default=Path(), show_default="the current folder", help="The folder in which to make NAME.")
def new(name: str, kind_name: str, into: Path) -> None:
    """Write a plugin's package, ready to be tested and published.

    The package works as it stands: it installs, its tests pass, and `mlforge ls` lists what it adds. Kinds: source, protection, schema, splitter, check,
    transform, model, estimator, trainer, callback, logger, cluster, sweep, mitigation, exporter, evaluator, perturbation, gate, monitor,
    alert, stage, command, observer.

    \b
    mlforge plugins new mlforge-orbital --kind source
    """
    names, kind = Names(name), KINDS[kind_name]
    _free(names, kind)
    files = write(names, kind, into)
    folder = into / name
    click.echo(f"Wrote {folder}/ ({len(files)} files). Try: cd {folder} && pip install -e '.[test]' && pytest")


def _free(names: Names, kind: Kind) -> None:
    """Nothing that is installed provides what the new plugin would."""
    from mlforge.cli.workplace import Workplace

    catalog = Workplace.here().catalog
    if any(plugin.name == names.distribution and not plugin.local for plugin in catalog.plugins):
        raise RecipeError(f"plugins new: {names.distribution} is installed here already", hint="Choose another name, or uninstall it first.")
    name = names.option if kind.section else names.option.replace("_", "-")
    if not kind.section and name in VERBS:
        raise RecipeError(f"plugins new: {name} is a verb of mlforge's own", hint="Choose another name.")
    taken = catalog.options(kind.section or "commands").get(name)
    if taken is not None:
        raise RecipeError(f"plugins new: {kind.section or 'command'}/{name} is what {taken.plugin} {taken.version} provides", hint="Choose another name.")
