"""`mlforge cp`: a recipe or preset of your own, from one that is there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mlforge.cli.workplace import Workplace
from mlforge.errors import MlforgeError, RecipeError, nearest
from mlforge.secrets import mask

if TYPE_CHECKING:
    from mlforge.recipe.document import Document
    from mlforge.recipe.library import Library

__all__ = ["command"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_OPEN = "has no value yet"  # how `check` calls a value that the recipe leaves to its user


@click.command("cp")
@click.argument("recipe")
@click.argument("file", type=click.Path(path_type=Path))
def command(recipe: str, file: Path) -> None:
    """Start a recipe of your own from one that is there.

    Comments are kept; the recipe takes the file's name. A FILE without an ending is a recipe of the project. A preset is named by its section too.

    \b
    mlforge cp adult recipes/mine.yaml
    mlforge cp adult mine
    mlforge cp model/lightgbm_fast conf/model/mine.yaml
    """
    place = Workplace.here()
    from mlforge.recipe.library import Library

    library = Library(place.project, place.catalog)
    original = _original(library, recipe)
    preset = original.section is not None
    target = file if file.suffix else (place.project.conf / str(original.section) if preset else place.project.recipes) / f"{file.name}.yaml"
    if target.suffix not in (".yaml", ".yml") or not _NAME.fullmatch(target.stem):
        raise RecipeError(f"cp: {file} is no name for a recipe; a name like mine, or a path like recipes/mine.yaml, was expected")
    text = original.path.read_text(encoding="utf-8")
    _write(target, text if preset else renamed(text, _written_name(original), target.stem))
    click.echo(mask(f"Wrote {_near(target)}, from {original.name} of {original.provider}.{'' if preset else _next(place, target)}"))


def renamed(text: str, old: str | None, new: str) -> str:
    """A recipe's text under another name: the key, and the commands in its comments. Everything else stays as it is, character for character."""
    if old is None:
        return f"{text.rstrip()}\nname: {new}\n"
    quoted = re.escape(old)
    text = re.sub(rf"^(name\s*:\s*)(['\"]?){quoted}\2(?=\s|$)", lambda found: f"{found[1]}{new}", text, count=1, flags=re.MULTILINE)
    command = re.compile(rf"(\bmlforge \w+ ){quoted}(?![\w.-])")
    return re.sub(r"^\s*#.*$", lambda line: command.sub(lambda found: f"{found[1]}{new}", line[0]), text, flags=re.MULTILINE)


def _original(library: Library, recipe: str) -> Document:
    """The file that is copied. Raises RecipeError when there is none."""
    section, _, option = recipe.partition("/")
    if option and not recipe.endswith((".yaml", ".yml")):
        from mlforge.sections import SECTIONS

        if section not in SECTIONS:
            raise RecipeError(f"cp: no section {section}", hint=nearest(section, SECTIONS))
        if (preset := library.preset(section, option)) is not None:
            return preset
        if option in library.catalog.options(section):
            hint = f"Make a preset of it: a file conf/{section}/NAME.yaml with `defaults: [{option}, _self_]` and what differs."
            raise RecipeError(f"cp: {recipe} is a component, not a file", hint=hint)
        raise RecipeError(f"cp: no preset {recipe}", hint=library.near(section, option))
    if recipe.endswith((".yaml", ".yml")):
        from mlforge.recipe.library import PRIMARY

        library.primary = Path(recipe)
        found = library.recipe(PRIMARY) if library.primary.is_file() else None
    else:
        found = library.recipe(recipe)
    if found is None:
        raise RecipeError(f"cp: no recipe {recipe!r}", hint=library.near(None, recipe) or "There are those that `mlforge ls recipes` lists.")
    if found.fatal or not found.body.items:
        raise RecipeError(f"cp: {found.shown} cannot be read as a recipe", problems=found.problems)
    return found


def _written_name(original: Document) -> str | None:
    node = original.body.items.get("name")
    return str(node.value) if node is not None else None


def _write(target: Path, text: str) -> None:
    """A new file, or nothing."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with target.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise RecipeError(f"cp: {_near(target)} is there already, and was not touched", hint="Choose another name.") from None


def _next(place: Workplace, target: Path) -> str:
    """What to do with it: what it leaves to be given, as the original does."""
    inside = target.resolve().parent == place.project.recipes.resolve()
    called = target.stem if inside else str(target) if len(target.parts) > 1 else f"./{target}"
    try:
        place.recipe(called, ())
    except RecipeError as error:
        left = [f" {problem.where}=…" for problem in error.problems if problem.found == _OPEN]
        return f" Next: mlforge check {called}{''.join(left)}"
    except MlforgeError as error:
        return f" {error}"
    return f" Next: mlforge check {called}"


def _near(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
