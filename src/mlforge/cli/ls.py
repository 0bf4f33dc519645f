"""`mlforge ls`: what recipes there are, and what they can name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from mlforge.cli.table import columns
from mlforge.cli.workplace import Workplace
from mlforge.errors import MlforgeError, RecipeError, nearest
from mlforge.plugins import Catalog, Provided
from mlforge.project import Project

__all__ = ["command"]

_LONGEST = 160  # characters of a reason; loading the option says it whole


@dataclass(frozen=True, slots=True)
class _Listed:
    """One line: a recipe, a section's option or a preset."""

    section: str
    name: str
    provider: str
    summary: str


@click.command("ls")
@click.argument("section", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
def command(section: str | None, as_json: bool) -> None:
    """List recipes, sections and the options of each.

    \b
    mlforge ls               everything
    mlforge ls model         the options of one section
    mlforge ls recipes       the recipes
    """
    from mlforge.sections import SECTIONS

    if section is not None and section not in (*SECTIONS, "recipes"):
        raise RecipeError(f"{section}: no such section; there are {', '.join(SECTIONS)}, and recipes", hint=nearest(section, [*SECTIONS, "recipes"]))
    place = Workplace.here()
    chosen = [section] if section else ["recipes", *SECTIONS]
    listed = [one for name in chosen for one in _list(name, place.project, place.catalog)]
    if as_json:
        click.echo(json.dumps([asdict(one) for one in listed], indent=1, ensure_ascii=False))
        return
    for name in chosen:
        rows = [(one.name, one.provider, one.summary) for one in listed if one.section == name]
        if section is None and rows:
            click.echo(f"{name}" + (f"  {SECTIONS[name].what}" if name in SECTIONS else "  whole lifecycles"))
        for line in columns(rows, indent=0 if section else 2):
            click.echo(line)
    if not listed:
        click.echo(f"Nothing provides {section} yet.")


def _list(section: str, project: Project, catalog: Catalog) -> list[_Listed]:
    if section == "recipes":
        return sorted(_recipes(project, catalog), key=lambda one: one.name)
    options = [_Listed(section, one.option, f"{one.plugin} {one.version}", _summary(catalog, one)) for one in catalog.options(section).values()]
    known = {one.name for one in options}
    presets = [one for one in _presets(section, project, catalog) if one.name not in known]
    return sorted([*options, *presets], key=lambda one: one.name)


def _summary(catalog: Catalog, one: Provided) -> str:
    from mlforge.components import summary

    try:
        return summary(catalog.load(one.section, one.option))
    except MlforgeError as error:  # one that cannot be loaded is listed too, with the reason
        return f"(broken: {str(error).partition(chr(10))[0]})"[:_LONGEST]


def _recipes(project: Project, catalog: Catalog) -> Iterator[_Listed]:
    for provider, folder in _folders(project, catalog, "recipes"):
        for path in sorted(folder.rglob("*.yaml")):
            name = path.relative_to(folder).with_suffix("").as_posix()
            yield _Listed("recipes", name, provider, _first_comment(path))


def _presets(section: str, project: Project, catalog: Catalog) -> Iterator[_Listed]:
    for provider, folder in _folders(project, catalog, "conf"):
        for path in sorted((folder / section).glob("*.yaml")):
            yield _Listed(section, path.stem, provider, _first_comment(path))


def _folders(project: Project, catalog: Catalog, what: str) -> list[tuple[str, Path]]:
    """The project's folder of recipes or presets, and the plugins'; each folder once."""
    mine = project.recipes if what == "recipes" else project.conf
    found = {folder: f"{one.plugin} {one.version}" for one in catalog.folders if (folder := one.recipes if what == "recipes" else one.conf)}
    if mine.is_dir() and mine not in found:
        found[mine] = "project"
    return [(provider, folder) for folder, provider in found.items()]


def _first_comment(path: Path) -> str:
    """The first comment of a file says what it is for."""
    try:
        first = path.read_text(encoding="utf-8").partition("\n")[0]
    except (OSError, UnicodeDecodeError) as error:
        return f"({error})"
    return first.lstrip("# ").strip() if first.startswith("#") else ""
