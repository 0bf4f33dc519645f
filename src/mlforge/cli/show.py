"""`mlforge show`: what a recipe comes to, and where each value comes from."""

from __future__ import annotations

import json

import click

from mlforge.cli.workplace import Workplace

__all__ = ["command"]


@click.command("show")
@click.argument("recipe", required=False)
@click.argument("key_and_overrides", nargs=-1, metavar="[KEY] [KEY=VALUE]...")
@click.option("--json", "as_json", is_flag=True, help="Print every value with its origin as JSON.")
@click.option("--json-schema", "schema", is_flag=True, help="Print a JSON Schema of recipes, for an editor; needs no recipe.")
def command(recipe: str | None, key_and_overrides: tuple[str, ...], as_json: bool, schema: bool) -> None:
    """Show a composed recipe, and where each value comes from.

    \b
    mlforge show breast_cancer
    mlforge show breast_cancer trainer.max_epochs
    mlforge show adult model model=mlp source.path=data/adult.csv
    mlforge show --json-schema > recipe.schema.json
    """
    place = Workplace.here()
    if schema:
        from mlforge.recipe import json_schema

        click.echo(json.dumps(json_schema(place.project, place.catalog), indent=1, ensure_ascii=False))
        return
    if recipe is None:
        raise click.UsageError("name a recipe, or ask for --json-schema")
    key, overrides = _apart(key_and_overrides)
    composed = place.recipe(recipe, overrides)
    from mlforge.recipe import show

    view = show(composed, key)
    if as_json:
        click.echo(json.dumps(view.data(), indent=1, ensure_ascii=False))
        return
    for line in view.lines():
        click.echo(line)


def _apart(words: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """The key to be shown, and the overrides: those set, add or delete a value."""
    keys = [word for word in words if "=" not in word and not word.startswith("~")]
    if len(keys) > 1:
        raise click.UsageError(f"one key at a time, not {' and '.join(keys)}; an override is KEY=VALUE")
    return (keys[0] if keys else ""), tuple(word for word in words if word not in keys)
