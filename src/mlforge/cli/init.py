"""`mlforge init`: a first recipe for a file of rows."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mlforge.cli.table import columns
from mlforge.cli.workplace import Workplace
from mlforge.errors import DataError, RecipeError, near_file
from mlforge.secrets import mask

if TYPE_CHECKING:
    from mlforge.drafting import Draft
    from mlforge.drafting.proposal import Proposal

__all__ = ["command"]

_SERVICES = ("github", "gitlab", "airflow", "kubernetes", "cron")
_LISTED = 20  # columns of one kind on the terminal; the recipe has all of them


@click.command("init")
@click.argument("what", metavar="[FILE|RECIPE]", required=False)
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--target", metavar="COLUMN", help="The column of FILE to be predicted.")
@click.option("--name", metavar="NAME", help="The recipe's name; the file's when it is not given.")
@click.option("--ci", multiple=True, type=click.Choice(_SERVICES), help="Write what runs RECIPE there, on every push and on a schedule; several at once.")
@click.option(
    "--schedule",
    default="17 * * * *",
    show_default=True,
    metavar="CRON",
    help="With --ci: how often the model is looked after: in UTC, but cron's times are the machine's own.",
)
@click.option("--force", is_flag=True, help="Replace what is there.")
def command(
    what: str | None, overrides: tuple[str, ...], target: str | None, name: str | None, ci: tuple[str, ...], schedule: str, force: bool
) -> None:  # fmt: skip
    """Write a first recipe for a file of rows, or what runs a recipe elsewhere.

    A sample of the rows decides what each column seems to be. Whatever is uncertain stands in the recipe as a comment.

    \b
    mlforge init customers.csv --target churned
    mlforge init data/houses.parquet --target price --name houses
    mlforge init churn source.path=data/churn.csv --ci github --ci cron
    """
    place = Workplace.here()
    if ci and target is None:
        if name is not None:
            raise click.UsageError("--name is the name of a new recipe, for a FILE with its --target")
        _schedule(place, what, overrides, ci, schedule, force=force)
        return
    if what is None:
        raise click.UsageError("name a FILE, and with --target the column to be predicted; or a RECIPE with --ci")
    if target is None:
        raise _unsaid(place, Path(what))
    if overrides:
        raise click.UsageError(f"{overrides[0]!r}: overrides are of a RECIPE, with --ci")
    made = _draft(place, Path(what), target, name, force=force)
    if ci:
        _schedule(place, made.name, _overrides(made, Path(what)), ci, schedule, force=force)


def _draft(place: Workplace, file: Path, target: str, name: str | None, *, force: bool) -> Draft:
    """Write the recipe, and say what was seen."""
    if name is not None:
        _check_name(name)
    from mlforge.drafting import draft, recipe_name
    from mlforge.pipelines import put

    _check_there(file)
    path = place.project.recipes / f"{name or recipe_name(file)}.yaml"
    if path.exists() and not force:
        raise RecipeError(f"{_near(path)} is there already, and was not touched", hint="Replace it with --force, or choose another --name.")
    made = draft(file, target, place.project, place.catalog, name=name, tell=_progress())
    put({path: made.text})
    _tell(made, path, file)
    composed = place.recipe(made.name, _overrides(made, file))
    for line in composed.shadows:
        click.echo(mask(line))
    return made


def _unsaid(place: Workplace, file: Path) -> RecipeError:
    """The question that is left when only a file is named."""
    from mlforge.drafting import header

    _check_there(file)
    names = header(file, place.catalog)
    listed = ", ".join(names[:_LISTED]) + (f" and {len(names) - _LISTED:,} more" if len(names) > _LISTED else "")
    return RecipeError(
        f"which column is to be predicted? {file.name} has {listed}", hint=f"Name it: mlforge init {file} --target {names[-1] if names else 'COLUMN'}"
    )


def _check_there(file: Path) -> None:
    """A local file is looked for before a source speaks of its settings."""
    if "://" not in str(file) and not file.exists() and not set("*?[") & set(str(file)):
        raise DataError(f"there is no file {file}", hint=near_file(file))


def _schedule(place: Workplace, recipe: str | None, overrides: tuple[str, ...], services: tuple[str, ...], schedule: str, *, force: bool) -> None:
    """Write what runs a recipe elsewhere, and say what is left to do."""
    _check_schedule(schedule)
    composed = place.recipe(recipe or _only(place), overrides)
    from mlforge.pipelines import Plan, after, written

    project = place.project
    plan = Plan.of(composed, overrides, schedule, project.root, Path(sys.executable).parent, project.env)
    for path in written(plan, services, force=force):
        click.echo(f"Wrote {_near(path)}")
    if plan.look is None:
        click.echo(f"{composed.name} declares neither monitors nor retrain: it is checked and run, and nothing looks after it.")
    for line in after(plan, services):
        click.echo(f"Next    {line}")


def _check_schedule(schedule: str) -> None:
    from mlforge.service.cron import Cron

    try:
        Cron.parse(schedule)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--schedule") from None
    if schedule.lstrip().startswith("@"):
        raise click.BadParameter(f"{schedule!r}: not everybody knows such names; write five fields, such as '0 3 * * *'", param_hint="--schedule")


def _only(place: Workplace) -> str:
    """The project's recipe, where it has one."""
    names = sorted(path.stem for path in place.project.recipes.glob("*.yaml"))
    if len(names) != 1:
        there = f"the project has {', '.join(names[:8])}" if names else "the project has none of its own"
        raise click.UsageError(f"name the RECIPE: {there}")
    return names[0]


def _check_name(name: str) -> None:
    from pydantic import ValidationError

    from mlforge.recipe.header import Header

    try:
        Header(name=name, task="classification")
    except ValidationError:
        raise RecipeError(f"--name {name}: a recipe's name has letters, digits, dots, dashes and underscores only") from None
    if name == "lifecycle":
        raise RecipeError("--name lifecycle: that is what every recipe builds on", hint="Choose another name.")


def _overrides(made: Draft, file: Path) -> tuple[str, ...]:
    """What must be said on the command line: a recipe may not read outside the project's roots, a command line may."""
    return (f"source.path={file.resolve()}",) if made.outside else ()


def _tell(made: Draft, path: Path, file: Path) -> None:
    sample = made.sample
    kept = f"{sample.read:,}" if sample.whole else f"{sample.frame.height:,} of {'' if sample.ended else 'the first '}{sample.read:,}"
    click.echo(f"Read {kept} rows, {sample.frame.width:,} columns.")
    for line in columns(_rows(made.columns), indent=2):
        click.echo(line)
    lines = made.text.count("\n")
    click.echo(f"Wrote {_near(path)} ({lines} lines).")
    overrides = "".join(f" {one}" for one in _overrides(made, file))
    if made.outside:
        click.echo("The file lies outside this project: name it on the command line, or list its folder in `roots` of mlforge.toml.")
    click.echo(f"Next    mlforge check {made.name}{overrides} · mlforge run {made.name}{overrides} --smoke · mlforge run {made.name}{overrides}")


def _rows(proposals: Sequence[Proposal]) -> list[tuple[str, str, str]]:
    """The columns of which there is something to tell, the target first; the others counted."""
    from mlforge.drafting.text import printable

    told = sorted((one for one in proposals if one.done), key=lambda one: one.role != "target")
    rows = [(printable(one.name), printable(one.seen), one.done) for one in told[:_LISTED]]
    if len(told) > _LISTED:
        rows.append(("…", f"{len(told) - _LISTED} more", "→ see the recipe"))
    plain = Counter(str(one.settings["dtype"]) for one in proposals if not one.done)
    if plain:
        kinds = ", ".join(f"{count} {dtype}" for dtype, count in sorted(plain.items()))
        rows.append(("others" if told else "all", kinds, "→ features"))
    return rows


def _progress() -> Callable[[int], None]:
    """Rows so far, on a terminal; nothing elsewhere."""
    if not sys.stderr.isatty():
        return lambda rows: None
    return lambda rows: click.echo(f"\r  {rows:,} rows read\r", nl=False, err=True)


def _near(path: Path) -> str:
    return os.path.relpath(path)
