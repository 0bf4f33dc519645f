"""`mlforge predict`: a file through a model, to a file."""

from __future__ import annotations

import glob
import json
from pathlib import Path

import click

from mlforge.cli.workplace import Workplace, store_option
from mlforge.errors import DataError

__all__ = ["command"]


@click.command("predict")
@click.argument("model", metavar="MODEL[@ALIAS|@VERSION]")
@click.option("--source", required=True, type=click.Path(path_type=Path), help="The file to predict: csv, parquet, or what a plugin reads.")
@click.option("--sink", required=True, type=click.Path(path_type=Path), help="The file to write: .csv, .parquet or .jsonl.")
@click.option("--keep", multiple=True, metavar="COLUMN", help="Copy this column of the source beside the prediction; may be repeated.")
@click.option("--max-rejected", default=0.0, type=click.FloatRange(0, 1), help="Share of rows that may break the contract before the exit code is 3.")
@click.option("--json", "as_json", is_flag=True, help="Print the counts as JSON.")
@store_option
def command(model: str, source: Path, sink: Path, keep: tuple[str, ...], max_rejected: float, as_json: bool, store: str | None) -> None:
    """Predict a file with a registered model.

    Rows that break the model's contract are written beside the sink, each with its reason.

    \b
    mlforge predict adult --source new.csv --sink predictions.parquet
    mlforge predict adult@3 --source new.csv --sink out.csv --keep id
    """
    rejected = sink.with_name(f"{sink.stem}.rejected{sink.suffix}")
    if not glob.has_magic(str(source)) and not source.exists():
        raise click.BadParameter(f"there is no file {source}", param_hint="--source")
    if source.resolve() in (sink.resolve(), rejected.resolve()):
        raise click.BadParameter(f"{sink} is the source: it would be written over", param_hint="--sink")
    place = Workplace.here()
    opened = place.store(store)
    version = opened.registry.resolve(model)
    opened.artifacts.verify(version.bundle)
    from mlforge.artifact import Bundles
    from mlforge.batch import predict_file, source_at
    from mlforge.runtime.predictor import Predictor

    predictor = Predictor.open(Bundles(opened.artifacts.path(version.bundle)).bundle())
    counts = predict_file(predictor, source_at(source, place.catalog), sink, rejected, keep=keep)
    if as_json:
        told = {"model": version.model, "version": version.version, "rows": counts.rows, "predicted": counts.predicted, "rejected": counts.rejected}
        click.echo(json.dumps(told | {"sink": str(sink)}))
    else:
        click.echo(f"{version.model} {version.version}: {counts.predicted:,} rows predicted → {sink}")
    if not counts.rejected:
        rejected.unlink(missing_ok=True)  # of an earlier prediction into the same sink
    if counts.rejected > max_rejected * counts.rows:
        raise DataError(f"{counts.rejected:,} of {counts.rows:,} rows break the model's contract", evidence=str(rejected))
    if counts.rejected and not as_json:
        click.echo(f"{counts.rejected:,} rows break the contract → {rejected}")
