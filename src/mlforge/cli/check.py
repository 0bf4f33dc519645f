"""`mlforge check`: every problem of a recipe at once, before anything runs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from mlforge.cli.workplace import Workplace
from mlforge.errors import Problem, RecipeError
from mlforge.secrets import mask

if TYPE_CHECKING:
    from mlforge.recipe import Recipe

__all__ = ["command"]


@click.command("check")
@click.argument("recipe")
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--json", "as_json", is_flag=True, help="Print the problems as JSON.")
def command(recipe: str, overrides: tuple[str, ...], as_json: bool) -> None:
    """Check a recipe, and report every problem at once.

    Nothing runs, and packages that only a run needs may be missing.

    \b
    mlforge check adult trainer.max_epochs=3 model=linear
    """
    place = Workplace.here()
    try:
        composed = place.recipe(recipe, overrides)
    except RecipeError as error:
        if not as_json:
            raise
        click.echo(_report(recipe, error.problems or (Problem(recipe, str(error)),), {}, ()))
        raise SystemExit(RecipeError.exit_code) from None
    from mlforge.recipe import absent, missing

    lacking = missing(composed)
    if as_json:
        click.echo(_report(composed.name, (), lacking, composed.deprecations))
        return
    click.echo(mask(f"{composed.name} is fine: {composed.task.name}{_columns(composed)}."))
    told = (*composed.migrations, *composed.shadows, *(f"dropped {dropped}" for dropped in composed.dropped), *absent(composed), *_silent(place))
    for line in told:
        click.echo(mask(f"  {line}"))
    if lacking:
        click.echo(f"  To run it, these are missing here: {', '.join(lacking)}. `mlforge run` says how to install them.")


def _silent(place: Workplace) -> Iterator[str]:
    """The project's own plugins that are broken: this recipe does without them, and who listed them would know."""
    for one in place.catalog.plugins:
        if one.version == "local" and one.state == "broken":
            yield f"plugin {one.name} of {place.project.settings.name if place.project.settings else 'this project'} is broken, and left out: {one.reason}"


def _columns(composed: Recipe) -> str:
    if composed.contract is None:
        return ""
    features = len(composed.contract.having("feature"))
    return f", {len(composed.contract.columns)} columns, {features} of them features"


def _report(recipe: str, problems: Sequence[Problem], missing: dict[str, tuple[str, ...]], deprecations: Sequence[str]) -> str:
    """One object: whether the recipe is fine, and all that is wrong with it."""
    listed = [
        {"where": one.where, "found": one.found, "origin": str(one.origin) if one.origin else None, "expected": one.expected, "hint": one.hint}
        for one in problems
    ]
    told = {"recipe": recipe, "ok": not problems, "problems": listed, "missing": missing, "deprecations": list(deprecations)}
    return mask(json.dumps(told, indent=1, ensure_ascii=False))
