"""`mlforge plugins`: who is there, and what is wrong with whom."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from mlforge.cli.group import Parts
from mlforge.cli.table import columns
from mlforge.cli.verbs import VERBS
from mlforge.cli.workplace import Workplace
from mlforge.plugins import Catalog, PluginState, conflicts, shown

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
    clashes, unmet = _clashes(catalog), list(conflicts(catalog.plugins))
    if as_json:
        told = {"plugins": [asdict(plugin) for plugin in catalog.plugins], "clashes": clashes, "conflicts": unmet}
        click.echo(json.dumps(told, indent=1, ensure_ascii=False))
        return
    heads = ("NAME", "VERSION", "API", "COMPONENTS", "LOADS IN", "STATE")
    for line in columns([heads, *map(_row, catalog.plugins)]):
        click.echo(line)
    for clash in clashes:
        click.echo(f"clash: {clash}")
    for line in unmet:
        click.echo(f"conflict: {line}")
    for plugin in catalog.plugins:
        for warning in plugin.warnings:
            click.echo(f"deprecated: {plugin.name} {plugin.version}: {warning}")


def _row(plugin: PluginState) -> tuple[str, str, str, str, str, str]:
    count = str(len(plugin.components)) if plugin.state == "ok" else "–"
    time = f"{plugin.seconds * 1000:.0f} ms" if plugin.seconds else "–"
    slow = ", though slow to load; heavy imports belong in its components" if plugin.seconds > _SLOW else ""
    state = _WORDS[plugin.state] + (slow if plugin.state == "ok" else plugin.reason)
    return plugin.name, plugin.version, shown(plugin.api) if plugin.api else "–", count, time, state


def _clashes(catalog: Catalog) -> list[str]:
    shadowed = [f"command {name} of {one.plugin} {one.version} is mlforge's own verb" for name, one in catalog.options("commands").items() if name in VERBS]
    return [*map(str, catalog.clashes), *shadowed]
