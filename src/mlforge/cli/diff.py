"""`mlforge diff`: two runs or versions, side by side."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from mlforge.cli.workplace import Workplace, store_option

if TYPE_CHECKING:
    from mlforge.lifecycle.compare import Comparison, Measured

__all__ = ["command"]

_WORDS = {True: "shown", False: "not shown", None: ""}
_MOST = 40  # measurements that are printed


@click.command("diff")
@click.argument("one", metavar="A")
@click.argument("other", metavar="B")
@click.option("--all", "everything", is_flag=True, help="Print every measurement that differs, however many there are.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@store_option
def command(one: str, other: str, everything: bool, as_json: bool, store: str | None) -> None:
    """Compare two runs or versions: recipe, data, code and findings.

    \b
    mlforge diff adult@3 adult@4
    mlforge diff 01jd8q 01jda2
    """
    from mlforge.lifecycle.compare import compare, run_of

    opened = Workplace.here().store(store)
    found = compare(opened, run_of(opened, one), run_of(opened, other))
    if as_json:
        click.echo(json.dumps(_plain(found), indent=1, ensure_ascii=False))
        return
    click.echo(f"A  {one}  {found.one.recipe}, run {found.one.id}\nB  {other}  {found.other.recipe}, run {found.other.id}")
    if not (found.recipe or found.stages or found.measured):
        click.echo("Nothing differs.")
    _list("Recipe", found.recipe)
    _list("Data, code and versions", [f"{stage}: {', '.join(told)}" for stage, told in found.stages.items()])
    _findings(found, everything)


def _list(title: str, lines: tuple[str, ...] | list[str]) -> None:
    if lines:
        click.echo(f"\n{title}")
        for line in lines:
            click.echo(f"  {line}")


def _findings(found: Comparison, everything: bool) -> None:
    from mlforge.cli.table import columns

    ordered = sorted(found.measured, key=lambda both: (both.shown is not True, both.shown is None))
    shown = ordered if everything else ordered[:_MOST]
    if shown:
        click.echo("\nFindings")
        for line in columns([("", "A", "B", ""), *(_row(both) for both in shown)]):
            click.echo(f"  {line}")
    if len(shown) < len(ordered):
        click.echo(f"  … and {len(ordered) - len(shown)} more: --all")


def _row(both: Measured) -> tuple[str, str, str, str]:
    from mlforge.report.figures import measured

    return both.name, measured(both.one) if both.one else "–", measured(both.other) if both.other else "–", _WORDS[both.shown]


def _plain(found: Comparison) -> dict[str, object]:
    told = [
        {"name": both.name, "a": both.one.value if both.one else None, "b": both.other.value if both.other else None, "shown": both.shown}
        for both in found.measured
    ]
    return {
        "a": found.one.id,
        "b": found.other.id,
        "recipe": list(found.recipe),
        "stages": {name: list(told) for name, told in found.stages.items()},
        "findings": told,
    }
