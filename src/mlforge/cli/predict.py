"""`mlforge predict`: rows from anywhere through a model, to a file or a table."""

from __future__ import annotations

import glob
import hashlib
import json
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mlforge.cli.workplace import Workplace, store_option
from mlforge.errors import DataError, RecipeError, near_file

if TYPE_CHECKING:
    from mlforge.batch import Counts
    from mlforge.components import Source
    from mlforge.runtime.predictor import Predictor
    from mlforge.store.entries import Version

__all__ = ["command"]


@click.command("predict")
@click.argument("model", metavar="MODEL[@ALIAS|@VERSION]")
@click.option("--source", required=True, help="What to predict: a file, a URL, or a source as a recipe declares it, in braces.")
@click.option("--sink", required=True, help="Where to: a file (.csv, .parquet, .jsonl), a URL of one, or with --table a database.")
@click.option("--table", metavar="TABLE", help="The table of the database to write to; made when it is not there.")
@click.option("--key", multiple=True, metavar="COLUMN", help="Replace the rows of the table that have the same value in this column; may be repeated.")
@click.option("--again", is_flag=True, help="Write to the table although this very work was done before.")
@click.option("--keep", multiple=True, metavar="COLUMN", help="Copy this column of the source beside the prediction; may be repeated.")
@click.option("--max-rejected", default=0.0, type=click.FloatRange(0, 1), help="Share of rows that may break the contract before the exit code is 3.")
@click.option("--json", "as_json", is_flag=True, help="Print the counts as JSON.")
@store_option
def command(
    model: str, source: str, sink: str, table: str | None, key: tuple[str, ...], again: bool, keep: tuple[str, ...], max_rejected: float, as_json: bool,
    store: str | None,
) -> None:  # fmt: skip
    """Predict rows with a registered model.

    Rows that break the model's contract are written beside the sink, each with its reason. A table gets all rows in one transaction; when the command is
    stopped, the same command goes on, and each row is there once.

    \b
    mlforge predict adult --source new.csv --sink predictions.parquet
    mlforge predict adult@3 --source s3://bucket/new.csv.gz --sink out.csv --keep id
    mlforge predict adult --source '{use: sql, url: "${oc.env:DB}", table: people}' \\
        --sink '${oc.env:DB}' --table scores --key id
    """
    if table is None:
        _apart(source, sink)
    if (key or again) and table is None:
        raise RecipeError("--key and --again are for a table of a database", hint="Name it: --table scores.")
    place = Workplace.here()
    opened = place.existing(store)
    version = opened.registry.resolve(model)
    folder = opened.vouched.folder(version)
    from mlforge.runtime.predictor import Predictor

    predictor = Predictor.open(folder)
    rows, keep = _source(source, place), tuple(dict.fromkeys((*key, *keep)))
    if table is None:
        counts, target, evidence = _to_file(predictor, rows, sink, keep)
    else:
        counts, target, evidence = _to_table(predictor, rows, place.filled(sink, "--sink"), table, key, keep, version, again)
    if as_json:
        told = {"model": version.model, "version": version.version, "rows": counts.rows, "predicted": counts.predicted, "rejected": counts.rejected}
        click.echo(json.dumps(told | {"sink": target}))
    else:
        click.echo(f"{version.model} {version.version}: {counts.predicted:,} rows predicted → {target}")
    if counts.rejected > max_rejected * counts.rows:
        raise DataError(f"{counts.rejected:,} of {counts.rows:,} rows break the model's contract", evidence=evidence)
    if counts.rejected and not as_json:
        click.echo(f"{counts.rejected:,} rows break the contract → {evidence}")


def _apart(source: str, sink: str) -> None:
    """A file that is read is not written over, and is there."""
    if "://" in source or source.lstrip().startswith("{") or "${" in source:
        return
    if not glob.has_magic(source) and not Path(source).exists():
        raise click.BadParameter(f"there is no file {source}. {near_file(Path(source))}".rstrip(" ."), param_hint="--source")
    target = Path(sink)
    if "://" not in sink and Path(source).resolve() in (target.resolve(), target.with_name(f"{target.stem}.rejected{target.suffix}").resolve()):
        raise click.BadParameter(f"{sink} is the source, or its rejected rows would be: it would be written over", param_hint="--sink")


def _source(text: str, place: Workplace) -> Source:
    from mlforge.batch import source_at

    if not text.lstrip().startswith("{"):
        return source_at(place.filled(text, "--source"), place.catalog)
    from mlforge.components import Source
    from mlforge.recipe.inline import inline

    made = inline("source", text, place.project, place.catalog)
    assert isinstance(made, Source)
    return made


def _to_file(predictor: Predictor, rows: Source, sink: str, keep: tuple[str, ...]) -> tuple[Counts, str, str]:
    from mlforge.batch import FileOutlet, predict_rows

    with ExitStack() as stack:
        outlet = FileOutlet(sink, stack)
        return predict_rows(predictor, rows, outlet, keep=keep), sink, outlet.evidence


def _to_table(
    predictor: Predictor, rows: Source, url: str, table: str, key: tuple[str, ...], keep: tuple[str, ...], version: Version, again: bool
) -> tuple[Counts, str, str]:
    from mlforge.batch import Counts, predict_rows
    from mlforge.runtime.table_sink import TableSink, Target

    job = hashlib.sha256(json.dumps([version.bundle, rows.fingerprint(), key, keep]).encode()).hexdigest()
    with closing(TableSink(Target(url, table, key), job, again=again)) as outlet:
        if outlet.finished:
            click.echo(f"These rows were written to {table} before, by this model: nothing is left to do (--again writes them once more).", err=True)
            counts = Counts(outlet.predicted, outlet.rejected)
        else:
            counts = predict_rows(predictor, rows, outlet, keep=keep)
    return counts, table, f"{table}_rejected"
