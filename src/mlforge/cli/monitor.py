"""`mlforge monitor`: new rows held against what a model was built with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mlforge.cli.workplace import Workplace, store_option
from mlforge.errors import DataError, GateRefused

if TYPE_CHECKING:
    import polars as pl

    from mlforge.monitoring.judging import Judged
    from mlforge.monitoring.looking import Look
    from mlforge.report.monitoring import WindowView
    from mlforge.store import Store, Version

__all__ = ["command"]

_ROWS = 65_536  # read at a time
_LINES = 40  # windows in text


@click.command("monitor")
@click.argument("model", metavar="MODEL[@ALIAS|@VERSION]")
@click.option("--source", "--rows", "source", help="Rows to look at: a file, a URL, or a source as a recipe declares it, in braces. None: what is kept.")
@click.option("--window", metavar="WINDOWS", help="Over which windows, in place of the recipe's: hourly, daily, 15m, '1000 rows', '1d every 6h'.")
@click.option("--time", metavar="COLUMN", help="The column with each row's time, where it is not the contract's.")
@click.option("--by", metavar="COLUMN", help="Look at each value of this column apart; the promise on false alarms holds for all together.")
@click.option("--groups", default=1, type=click.IntRange(1, 1000), help="With --by: among how many groups the promise is shared.")
@click.option(
    "--page", type=click.Path(dir_okay=False, path_type=Path), help="Write a page with pictures: each column against the reference, and the timeline."
)
@click.option("--fail", is_flag=True, help="Exit with 4 when the newest window has an alarm.")
@click.option("--forget", is_flag=True, help="Neither remember earlier windows nor keep these; nobody is alerted.")
@click.option("--json", "as_json", is_flag=True, help="Print every window with its findings as JSON.")
@store_option
def command(
    model: str, source: str | None, window: str | None, time: str | None, by: str | None, groups: int, page: Path | None, fail: bool, forget: bool,
    as_json: bool, store: str | None,
) -> None:  # fmt: skip
    """Hold new rows against what a model was built with.

    Rows are cut into the windows that the recipe's monitors say; what is kept of earlier ones is remembered and judged in the same way. Nothing is kept of a
    row but its place in counts. Without a source, the kept windows are told. Windows that alarm become alerts, and those whom the recipe's section alerts names
    are told of them, once.

    \b
    mlforge monitor adult --source new.csv
    mlforge monitor adult --source '{use: parquet, path: "served/requests/adult/3/**/*.parquet"}' --page adult.html
    mlforge monitor adult --source new.csv --window '1000 rows' --json
    """
    place = Workplace.here()
    opened = place.existing(store)
    version = opened.registry.resolve(model)
    folder = opened.vouched.folder(version)
    from mlforge.monitoring.intake import Intake
    from mlforge.monitoring.looking import look
    from mlforge.monitoring.monitor_set import MonitorSet, reference_of, training_rows
    from mlforge.runtime.predictor import Predictor

    if window is not None:
        _sensible(window)
    monitor_set = MonitorSet.open(reference_of(opened, version), place.catalog, window, groups)
    predictor = Predictor.open(folder)
    monitor_set = monitor_set.beside(training_rows(opened, version)) if source else monitor_set
    frames = _frames(source, place) if source else iter(())
    first = next(frames, None)
    intake = Intake(predictor, monitor_set.contract, time=time, by=by, asks=monitor_set.asks)
    clock = None if first is None else intake.clock(first)
    whole = window is None and first is not None and clock is None
    rows = () if first is None else _chained(first, frames)
    looks = list(look(monitor_set, predictor, rows, intake, store=opened, version=version, whole=whole, kept=not forget))
    windows = [one for seen in looks for one in seen.windows]
    untimed = max((seen.untimed for seen in looks), default=0)
    if not windows and untimed:
        raise DataError(
            f"{version}: none of {untimed:,} rows has a time in {clock} that can be read",
            hint="Times are ISO 8601, or seconds since 1970. --time COLUMN names another column; --window '1000 rows' cuts by number.",
        )
    if not windows:
        why = "the source has no rows, and no window is kept" if source else "no window has been looked at yet"
        raise DataError(f"{version}: {why}", hint="Is it the right one?" if source else "Name the rows: --source FILE.")
    if as_json:
        click.echo(json.dumps([_plain(seen, one) for seen in looks for one in seen.windows], indent=1))
    else:
        click.echo("\n".join(_told(str(version), looks, page)))
    if untimed:
        click.echo(f"{untimed:,} rows have no time in {clock} that can be read, and are in no window", err=True)
    try:
        if not forget:
            from mlforge.cli.attention import alert

            alert(place, opened, version, looks, quiet=as_json)
    finally:
        if page is not None:  # with the alerts of this very look, also when somebody could not be told of them
            _write(page, opened, version, looks)
    if fail and any(seen.windows and seen.windows[-1].alarms for seen in looks):
        raise GateRefused(f"{version}: the newest window has an alarm")


def _write(page: Path, store: Store, version: Version, looks: list[Look]) -> None:
    from mlforge.report.monitoring import monitoring_page
    from mlforge.trail import marks

    page.write_text(monitoring_page(str(version), _views(looks), marks(store, version.model)), encoding="utf-8")


def _sensible(window: str) -> None:
    from mlforge.alarm import Windowing

    try:
        Windowing.parse(window)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--window") from None


def _frames(text: str, place: Workplace) -> Iterator[pl.DataFrame]:
    from mlforge.batch import source_at
    from mlforge.components import Source
    from mlforge.recipe.inline import inline

    made = inline("source", text, place.project, place.catalog) if text.lstrip().startswith("{") else source_at(place.filled(text, "--source"), place.catalog)
    assert isinstance(made, Source)
    return made.batches(_ROWS)


def _chained(first: pl.DataFrame, rest: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    yield first
    yield from rest


def _told(version: str, looks: list[Look], page: Path | None) -> Iterator[str]:
    """For a person: a line for each window, alarms in words."""
    for seen in looks:
        yield f"{version}  {seen.windowing.text if seen.windowing else 'all rows as one window: they have no time'}"
        if len(seen.windows) > _LINES:
            yield f"  … {len(seen.windows) - _LINES} earlier windows: --json tells them all"
        for one in seen.windows[-_LINES:]:
            yield from _line(one)
        if seen.kept:
            yield f"  {_counted(seen.kept, 'profile')} kept"
        if seen.apart:
            yield f"  {seen.apart} kept earlier were held against another reference, and are left out: they do not compare"
    if page is not None:
        yield f"Page  {page}"


def _line(one: Judged) -> Iterator[str]:
    when = "" if one.span is None else f"{one.span[0]:%Y-%m-%d %H:%M}  "
    when = when or f"window {one.panes.start + 1}  "
    group = f"{one.group}  " if one.group else ""
    rejected = f" · {one.rejected:,} broke the contract" if one.rejected else ""
    labels = f" · {_counted(one.labels, 'label')}" if one.labels else ""
    alarms = [finding for finding in one.alarms if not _of_one_column(finding.name)]
    yield f"  {when}{group}{one.rows:>9,} {'row' if one.rows == 1 else 'rows'}{labels}{rejected}  {'ALARM' if one.alarms else one.verdict}{_seen(one)}"
    for finding in alarms[:8]:
        yield f"      {finding.name.removeprefix('live/')}: {finding.text}"


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _seen(one: Judged) -> str:
    """What was measured, in a few words: how far the furthest column has moved, and how well the model does or would do."""
    from mlforge.report.figures import measured

    found = {finding.name.removeprefix("live/"): finding for findings in one.findings.values() for finding in findings if finding.value is not None}
    told = [found[name] for name in ("drift/largest",) if name in found]
    told += [finding for name, finding in found.items() if name.startswith("performance/") and finding.better][:1]
    told = told if len(told) > 1 else [*told, *[finding for name, finding in found.items() if name.startswith("estimated/")][:1]]
    return "".join(f" · {finding.name.removeprefix('live/')} {measured(finding)}" for finding in told)


def _of_one_column(name: str) -> bool:
    return len(name.split("/")) > 3  # the family's finding names its columns


def _plain(seen: Look, one: Judged) -> dict[str, Any]:
    return {
        "windows": seen.windowing.text if seen.windowing else "all rows",
        "group": one.group,
        "begins": one.span[0].isoformat() if one.span else None,
        "ends": one.span[1].isoformat() if one.span else None,
        "rows": one.rows,
        "labels": one.labels,
        "rejected": one.rejected,
        "alarm": bool(one.alarms),
        "verdict": one.verdict,
        "findings": {entry: [finding.model_dump(mode="json") for finding in found] for entry, found in one.findings.items()},
    }


def _views(looks: list[Look]) -> list[WindowView]:
    """What the page shows of each window."""
    from mlforge.report.monitoring import WindowView

    return [
        WindowView(
            windows=seen.windowing.text if seen.windowing else "all rows",
            group=one.group,
            begins="" if one.span is None else f"{one.span[0]:%Y-%m-%dT%H:%M}",
            ends="" if one.span is None else f"{one.span[1]:%Y-%m-%dT%H:%M}",
            number=one.panes.start,
            rows=one.rows,
            findings=tuple(finding for found in one.findings.values() for finding in found),
        )
        for seen in looks
        for one in seen.windows
    ]
