"""`mlforge plugins`: who is there, and what is wrong with whom."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from mlforge.cli.group import Parts
from mlforge.cli.table import columns
from mlforge.cli.verbs import VERBS
from mlforge.cli.workplace import Workplace
from mlforge.plugins import Catalog, PluginState

__all__ = ["command"]

_SLOW = 0.2  # seconds to load from which a plugin is told to be slow
_WORDS = {"ok": "ok", "broken": "broken: ", "blocked": "blocked ", "clash": "", "api": ""}  # what stands before the reason


@click.group("plugins", cls=Parts, invoke_without_command=True, subcommand_metavar="[COMMAND …]")
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """List plugins, and say what is wrong with a broken one.

    Leave a plugin out with MLFORGE_BLOCK_PLUGINS=name,other.
    """
    if ctx.invoked_subcommand is not None:
        return
    catalog = Workplace.here().catalog
    clashes = _clashes(catalog)
    if as_json:
        click.echo(json.dumps({"plugins": [asdict(plugin) for plugin in catalog.plugins], "clashes": clashes}, indent=1, ensure_ascii=False))
        return
    heads = ("NAME", "VERSION", "API", "COMPONENTS", "STATE")
    for line in columns([heads, *map(_row, catalog.plugins)]):
        click.echo(line)
    for clash in clashes:
        click.echo(f"clash: {clash}")


def _row(plugin: PluginState) -> tuple[str, str, str, str, str]:
    count = str(len(plugin.components)) if plugin.state == "ok" else "–"
    slow = f", though slow to load: {plugin.seconds:.1f} s; heavy imports belong in its components" if plugin.seconds > _SLOW else ""
    state = _WORDS[plugin.state] + (slow if plugin.state == "ok" else plugin.reason)
    return plugin.name, plugin.version, "–" if plugin.api is None else str(plugin.api), count, state


def _clashes(catalog: Catalog) -> list[str]:
    shadowed = [f"command {name} of {one.plugin} {one.version} is mlforge's own verb" for name, one in catalog.options("commands").items() if name in VERBS]
    return [*map(str, catalog.clashes), *shadowed]
