"""`mlforge explain`: why a registered model answers as it does."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from mlforge.cli.workplace import Workplace, store_option
from mlforge.errors import DataError, RecipeError

if TYPE_CHECKING:
    import polars as pl

    from mlforge.contract import Contract
    from mlforge.explaining.explainer import Explanation
    from mlforge.explaining.reach import Reach

__all__ = ["command"]

_SHOWN = 8  # columns in text


@click.command("explain")
@click.argument("model", metavar="MODEL[@ALIAS|@VERSION]")
@click.option("--row", metavar="JSON", help='One raw row: \'{"age": 39, "education": "Bachelors"}\'.')
@click.option("--source", help="Rows to explain: a file, a URL, or a source as a recipe declares it, in braces.")
@click.option("--rows", default=1, type=click.IntRange(1, 100), help="How many rows of the source, from the first on.")
@click.option("--orders", default=8, type=click.IntRange(2, 500), help="Orders in which columns are entered: more takes longer and leaves less error.")
@click.option("--keep", multiple=True, metavar="COLUMN", help="A column that no suggested change may touch; may be repeated.")
@click.option("--reach", metavar="LOW:HIGH", help="Of a value: what should be predicted, such as 100:200 or 100: for at least 100.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON, a list with one object a row.")
@store_option
def command(
    model: str, row: str | None, source: str | None, rows: int, orders: int, keep: tuple[str, ...], reach: str | None, as_json: bool, store: str | None
) -> None:
    """Say why a model answers as it does, row by row.

    What each column adds to the answer (Shapley values, in the answer's own unit), against made-up rows with the usual values of each column; what other
    values of the columns that matter most would do; and small changes that would turn the answer, or bring a value into --reach, each asked of the model
    before it is shown.

    \b
    mlforge explain adult --row '{"age": 39, "education": "Bachelors", …}'
    mlforge explain adult@3 --source new.csv --rows 5 --json
    mlforge explain prices --source new.csv --reach :250000
    """
    if (row is None) == (source is None):
        raise RecipeError("explain needs a row: give --row or --source, and not both", hint="mlforge explain MODEL --row '{\"age\": 39, …}'")
    place = Workplace.here()
    opened = place.existing(store)
    version = opened.registry.resolve(model)
    folder = opened.vouched.folder(version)
    from mlforge.explaining.explainer import Explainer
    from mlforge.explaining.plain import plain
    from mlforge.explaining.reach import Reach

    explainer = Explainer.open(folder)
    unknown = sorted(set(keep) - set(explainer.contract.columns))
    if unknown:
        raise click.BadParameter(f"the model has no column {', '.join(unknown)}", param_hint="--keep")
    frame = _whole(_row(row), explainer.predictor.bundle.contract) if row is not None else _read(source or "", rows, place)
    wanted = Reach.read(reach) if reach is not None else None
    told = [explainer.explain(one, orders=orders, immutable=keep, reach=wanted) for one in frame.iter_slices(1)]
    if as_json:
        click.echo(json.dumps([plain(one) for one in told], indent=1, default=str))
        return
    for number, one in enumerate(told, 1):
        click.echo(f"{version.model} {version.version}, row {number}")
        click.echo("\n".join(_lines(one, wanted)) + "\n")


def _row(text: str) -> pl.DataFrame:
    import polars as pl

    try:
        given = json.loads(text)
    except ValueError as error:
        raise RecipeError(f"--row is no JSON: {error}", hint='Write it as {"age": 39, "education": "Bachelors"}, in single quotes for the shell.') from None
    if not isinstance(given, dict) or not given:
        raise RecipeError(f"--row is a JSON {type(given).__name__}, and an object is expected: a value for each column")
    try:
        return pl.DataFrame({key: [value] for key, value in given.items()})
    except (pl.exceptions.PolarsError, TypeError, ValueError, OverflowError) as error:
        raise DataError(f"--row cannot be read as a row: {str(error).splitlines()[0][:200]}") from None


def _whole(row: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """The row with what may be missing in it. DataError names what may not be."""
    import polars as pl

    absent = [key for key in contract.columns if not {key, contract.real_name(key)} & set(row.columns)]
    needed = [contract.real_name(key) for key in absent if not contract.columns[key].nullable]
    if needed:
        listed = ", ".join(needed[:8]) + (f" and {len(needed) - 8} more" if len(needed) > 8 else "")
        raise DataError(f"--row lacks {listed}", hint="Give each a value; `--source FILE` takes whole rows from a file.")
    return row.with_columns(pl.lit(None, dtype=pl.String).alias(contract.real_name(key)) for key in absent)


def _read(text: str, count: int, place: Workplace) -> pl.DataFrame:
    from mlforge.batch import source_at
    from mlforge.components import Source
    from mlforge.recipe.inline import inline

    made = inline("source", text, place.project, place.catalog) if text.lstrip().startswith("{") else source_at(place.filled(text, "--source"), place.catalog)
    assert isinstance(made, Source)
    for frame in made.batches(count):
        return frame.head(count)
    raise DataError(f"{text}: there are no rows to explain")


def _lines(one: Explanation, reach: Reach | None) -> list[str]:
    """For a person."""
    attribution = one.attribution
    lines = [f"  prediction  {_value(one.prediction)}", f"  explained   {one.about}: {attribution.said:.4g}, and {attribution.base:.4g} over usual rows"]
    if attribution.failed:
        return [*lines, f"  The explanation failed: {attribution.failed}. What the columns add is not shown."]
    ranked = one.ranked
    width = max((len(key) for key in ranked[:_SHOWN]), default=0)
    lines += ["", "  what each column adds"]
    for key in ranked[:_SHOWN]:
        share = attribution.shares[key]
        error = f" ± {1.96 * share.error:.2g}" if share.error else ""
        lines.append(f"    {key:<{width}}  {share.value:+.4f}{error}  at {_value(one.row[key][0])}")
    if rest := ranked[_SHOWN:]:
        lines.append(f"    {'others':<{width}}  {sum(attribution.shares[key].value for key in rest):+.4f}  ({len(rest)} columns)")
    how = "exact Shapley values" if attribution.exact else "Shapley values from drawn orders"
    lines.append(f"    {how}; they add up to the answer within {max(attribution.gap, 1e-6):.1g} of its distance from the base")
    if one.untold:
        lines.append(f"    held as they are: {', '.join(one.untold)} (personal data, free text, or too few training rows)")
    lines += ["", f"  with other values{'' if one.answers == one.about else f': {one.answers}'}"] * bool(one.effects)
    for effect in one.effects:
        steps = ", ".join(f"{_value(value)}: {said:.3g}" for value, said in zip(effect.values, effect.row, strict=True))
        lines.append(f"    {effect.column}  {steps}")
    if one.counterfactuals:
        lines += ["", f"  what would {f'make it {reach}' if reach else 'turn the answer'} (asked of the model)"]
        for other in one.counterfactuals:
            changes = " and ".join(f"{change.column} {_value(change.before)} → {_value(change.after)}" for change in other.changes)
            lines.append(f"    {changes}: {_value(other.prediction)}")
    elif reach is not None and reach.low <= float(one.prediction) <= reach.high:
        lines += ["", f"  The prediction is {reach} as it is."]
    elif reach is not None:
        lines += ["", f"  No change of up to three columns, among their usual values, makes it {reach}."]
    elif "probability" in one.answers:
        lines += ["", "  No change of up to three columns, among their usual values, turns the answer."]
    return lines


def _value(value: Any) -> str:
    if value is None:
        return "missing"
    return f"{value:.6g}" if isinstance(value, float) else str(value)[:60]
