"""`mlforge run`: from raw rows to a registered model."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mlforge.cli.attend import attended, followed, handed_over, rank
from mlforge.cli.workplace import Workplace
from mlforge.errors import GateRefused
from mlforge.lifecycle.unchanged import Stamp

if TYPE_CHECKING:
    from mlforge.lifecycle.account import Account
    from mlforge.lifecycle.engine import Outcome
    from mlforge.lifecycle.plan import Lifecycle
    from mlforge.recipe import Recipe

__all__ = ["command"]


@click.command("run")
@click.argument("recipe")
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--smoke", is_flag=True, help="Try the whole chain on a few rows and one batch; registers nothing.")
@click.option("--only", metavar="STAGE", help="Run this stage alone; the ones before it must have run.")
@click.option("--from", "start", metavar="STAGE", help="Run this stage and those after it, even where they could be reused.")
@click.option("--dry-run", is_flag=True, help="Print the batch script of cluster=slurm instead of submitting it.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON instead of lines.")
@click.option("--junit", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write what the gates said as JUnit XML, for CI.")
def command(
    recipe: str, overrides: tuple[str, ...], smoke: bool, only: str | None, start: str | None, dry_run: bool, as_json: bool, junit: Path | None
) -> None:
    """Run a recipe from raw rows to a registered model.

    What is there already is reused; a run that was stopped continues.

    \b
    mlforge run adult source.path=data/adult.csv
    mlforge run adult model=linear trainer.max_epochs=3
    mlforge run adult --smoke
    mlforge run adult --junit verdict.xml
    """
    if only and start:
        raise click.UsageError("--only and --from contradict each other: one stage alone, or this one and all after it")
    with _written_down(junit, recipe):
        _command(_Asked(recipe, overrides, smoke, only, start, dry_run, as_json, junit))


@dataclass(frozen=True)
class _Asked:
    """What the command line says."""

    recipe: str
    overrides: tuple[str, ...]
    smoke: bool
    only: str | None
    start: str | None
    dry_run: bool
    as_json: bool
    junit: Path | None

    @property
    def whole(self) -> bool:
        """Is it a run of all that there is to do, and of nothing else."""
        return not (self.smoke or self.only or self.start or self.dry_run or self.junit)

    @property
    def words(self) -> list[str]:
        """The command line, for whoever runs it elsewhere."""
        flags = [*(["--smoke"] if self.smoke else []), *(["--only", self.only] if self.only else []), *(["--from", self.start] if self.start else [])]
        return ["run", self.recipe, *self.overrides, *flags, *(["--json"] if self.as_json else []), *(["--junit", str(self.junit)] if self.junit else [])]


def _command(asked: _Asked) -> None:
    place = Workplace.here()
    stamp = Stamp(place.project, place.catalog, (asked.recipe, *asked.overrides)) if asked.whole else None
    if stamp is not None and (told := stamp.told()) is not None:
        if rank() == 0:
            _unchanged(told, asked.as_json)
        return
    if (code := followed(lambda: place.recipe(asked.recipe, asked.overrides, for_run=True))) is not None:
        raise SystemExit(code)
    composed = place.recipe(asked.recipe, asked.overrides, for_run=True)
    if handed_over(composed, place, asked.words, dry_run=asked.dry_run):
        return
    with attended(composed):
        _run(place, composed, asked, stamp)


def _run(place: Workplace, composed: Recipe, asked: _Asked, stamp: Stamp | None) -> None:
    from mlforge.cli.progress import Terminal
    from mlforge.lifecycle.assemble import assemble
    from mlforge.lifecycle.engine import Engine
    from mlforge.lifecycle.graph import downstream
    from mlforge.lifecycle.reporter import Quiet, Reporter

    lifecycle = assemble(composed, place.store(composed.store), smoke=asked.smoke)
    if asked.only is not None:
        lifecycle.forced = frozenset({lifecycle.named(asked.only).name})
    elif asked.start is not None:
        lifecycle.forced = frozenset(node.name for node in downstream(lifecycle.nodes, lifecycle.named(asked.start).name))
    terminal = Terminal()
    reporter: Reporter = Quiet() if asked.as_json else terminal
    try:
        engine = Engine(lifecycle, place.hooks, reporter, lambda outcome: _report(outcome, engine.lifecycle))
        outcome = engine.run(asked.overrides, asked.only)
    finally:
        terminal.close()
    account = _conclude(outcome, engine.lifecycle, asked.as_json, asked.junit)
    if stamp is not None and not outcome.mishaps:  # what a plugin missed, it is told of the next time
        with suppress(OSError):  # a convenience: that it could not be written fails no run
            stamp.note(lifecycle, (digest for outputs in outcome.outputs.values() for digest in outputs.values()), account.when_unchanged())


@contextmanager
def _written_down(junit: Path | None, recipe: str) -> Iterator[None]:
    """A run that ends without a verdict is written down too: a file that an earlier run has left would be taken for this one's."""
    try:
        yield
    except GateRefused:
        raise  # the verdict is written
    except Exception as error:
        if junit is not None:
            from mlforge.report.junit import failure_junit

            _write(junit, failure_junit(recipe, type(error).__name__, str(error) or type(error).__name__))
        raise


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _unchanged(told: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(told, indent=1))
        return
    click.echo(f"{told['recipe']}  nothing to do: everything is as it was in run {told['run']}")
    for done in told["done"]:
        click.echo(f"{done['subject']} is {done['event']}.")


def _report(outcome: Outcome, lifecycle: Lifecycle) -> Path | None:
    """Write the account of a run that did anything; its folder."""
    from mlforge.lifecycle.account import Account

    new = outcome.ran or any(done.new for done in outcome.done)  # killed before it registered, a run has that alone left to do
    return Account.of(outcome, lifecycle).write(lifecycle.store.state / "runs" / outcome.run).parent if new else None


def _conclude(outcome: Outcome, lifecycle: Lifecycle, as_json: bool, junit: Path | None) -> Account:
    from mlforge.lifecycle.account import Account
    from mlforge.report.junit import run_junit

    told = Account.of(outcome, lifecycle)
    if junit is not None:
        _write(junit, run_junit(told.view(), smoke=lifecycle.smoke))
    page = lifecycle.store.state / "runs" / outcome.run / "report.html"
    report = page if page.exists() else None
    if as_json:
        click.echo(json.dumps(told.as_json(), indent=1))
    else:
        _print(told, report)
    where = _near(report) if report else f"mlforge runs {outcome.run}"
    if outcome.standing.rejections:
        raise GateRefused(f"rejected by {' and '.join(outcome.standing.rejections)}; nothing was registered", hint=f"The figures: {where}")
    if outcome.refused:
        raise GateRefused("a gate said no; nothing was registered", hint=f"The figures: {where}")
    if waits := outcome.standing.waits:
        raise GateRefused(
            f"waits for approval by {' and '.join(waits)}; nothing is registered yet", hint=f"The figures: {where}\nThen: {' · '.join(told.next)}"
        )
    return told


def _print(told: Account, report: Path | None) -> None:
    if told.lifecycle.smoke:
        click.echo("Smoke run passed: every stage works on a few rows. Nothing was registered.")
    elif report is None and told.outcome.standing.passed:
        click.echo("Nothing to do: every stage is up to date.")
    if report is not None:
        click.echo(f"Report  {_near(report)}")
    if told.next:
        click.echo(f"Next    {' · '.join(told.next)}")


def _near(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
