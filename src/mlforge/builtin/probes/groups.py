"""Sums over groups of rows, from which rates and errors of each group follow: a sketch that grows with the groups and not with the rows.

A *grouping* cuts rows by one or several columns ("sex", "sex*race"), and a *group* is one of its cells ("Male", "Male*White").
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import pairwise
from typing import TYPE_CHECKING

from mlforge.builtin.probes.losses import hits, log_losses
from mlforge.builtin.probes.names import slug
from mlforge.builtin.probes.scored import UNSEEN, ids
from mlforge.contract import Contract
from mlforge.window import Profile, Window

if TYPE_CHECKING:
    import polars as pl

    from mlforge.task import Output

__all__ = ["Group", "Grouping", "grouped", "groups_of", "merged", "slug"]

BINS = 15  # of the calibration within a group, as the classification evaluator has
Cells = Callable[[int, int], bool]  # of target and prediction

_MISSING = "missing"
_KEYS = ("grouping", "group", "target", "predicted")
_BIN = ("grouping", "group", "bin")
_QUANTITIES = {"classes": ("log_loss", "brier"), "value": ("error", "absolute", "squared"), "labels": ("log_loss", "brier")}
_OUTCOMES = ("every label right", "some labels right", "no label right")  # of a row with labels, as if they were classes: what should be is the first


@dataclass(frozen=True)
class Grouping:
    """How rows are cut."""

    name: str
    columns: tuple[str, ...]
    edges: Mapping[str, Sequence[float]]  # of the columns that are numbers: where one group ends and the next begins

    def expression(self, contract: Contract) -> pl.Expr:
        """Each row's group."""
        import polars as pl

        return pl.concat_str([self._cell(key, contract) for key in self.columns], separator="*")

    def _cell(self, key: str, contract: Contract) -> pl.Expr:
        import polars as pl

        if key not in self.edges:
            return pl.col(key).cast(pl.String).fill_null(_MISSING)
        edges = list(self.edges[key])
        names = [f"<{edges[0]:g}", *(f"{low:g}–{high:g}" for low, high in pairwise(edges)), f"≥{edges[-1]:g}"]
        column = pl.col(key).cast(pl.Float64)
        place = pl.sum_horizontal(*((column >= edge).cast(pl.Int64) for edge in edges))
        return pl.when(column.is_not_null()).then(place.replace_strict(range(len(names)), names, return_dtype=pl.String)).otherwise(pl.lit(_MISSING))


@dataclass(frozen=True)
class Group:
    """What is known of one group: `cells[target, predicted]` has (rows, weight, sum of squared weights); quantities have what a mean and its error need."""

    name: str
    cells: Mapping[tuple[int, int], tuple[int, float, float]]
    moments: Mapping[str, tuple[float, float, float]]  # by quantity: Σ w·x, Σ w²·x, Σ w²·x²
    bins: Sequence[tuple[float, ...]] = ()  # calibration: weight, Σ w·said, Σ w·true

    @property
    def rows(self) -> int:
        """Number of rows."""
        return sum(rows for rows, _, _ in self.cells.values())

    @property
    def weight(self) -> float:
        """Sum of the rows' weights."""
        return sum(weight for _, weight, _ in self.cells.values())

    @property
    def square(self) -> float:
        """Sum of the squared weights."""
        return sum(square for _, _, square in self.cells.values())

    def share(self, above: Cells, below: Cells) -> tuple[float, float]:
        """Weight of the cells that `above` takes among those that `below` takes, and the effective number of rows (Kish 1965); NaN of none."""
        kept = {cell: sums for cell, sums in self.cells.items() if below(*cell)}
        weight, square = sum(sums[1] for sums in kept.values()), sum(sums[2] for sums in kept.values())
        if weight <= 0:
            return float("nan"), 0.0
        return sum(sums[1] for cell, sums in kept.items() if above(*cell)) / weight, weight * weight / square

    def mean(self, quantity: str) -> tuple[float, float]:
        """The weighted mean of a quantity and its standard error (linearised: Cochran 1977, §6.4)."""
        first, second, third = self.moments[quantity]
        weight = self.weight
        if weight <= 0:
            return float("nan"), float("nan")
        mean = first / weight
        variance = (third - 2 * mean * second + mean * mean * self.square) / (weight * weight)
        return mean, max(0.0, variance) ** 0.5


def grouped(window: Window, groupings: Sequence[Grouping], marks: Mapping[str, pl.Expr] | None = None) -> Profile:
    """The sums of every group of a window; `marks` are groupings with the one group of the rows for which an expression holds. "all" has all rows."""
    import polars as pl

    output = window.output
    if output is None or window.predictions is None or window.rows.is_empty():
        return Profile()
    by = {"all": pl.repeat("", pl.len())} | {grouping.name: grouping.expression(window.contract) for grouping in groupings}
    by |= {name: pl.when(mark).then(pl.lit("")) for name, mark in (marks or {}).items()}
    labels = window.rows.select(expression.alias(name) for name, expression in by.items())
    finite = _finite(window.predictions)
    if not finite.all():
        window = replace(window, rows=window.rows.filter(finite), predictions=window.predictions.filter(finite))
        labels = labels.filter(finite)
    rows = _measured(window)
    cells, bins = [], []
    for name in by:
        cut = rows.lazy().with_columns(labels[name].alias("group"), grouping=pl.lit(name)).filter(pl.col("group").is_not_null())
        cells.append(cut.group_by(_KEYS).agg(pl.len().cast(pl.Int64).alias("rows"), *_sums(_QUANTITIES[output.kind])))
        bins.append(cut.group_by(_BIN).agg(pl.col("weight").sum(), _times("weight", "said"), _times("weight", "true")))
    made = pl.collect_all([pl.concat(cells), pl.concat(bins)])
    names = _OUTCOMES if output.kind == "labels" else output.classes
    classes = pl.DataFrame({"class": [str(name) for name in names]}, schema={"class": pl.String})
    broken = pl.DataFrame({"rows": [int((~finite).sum())]})
    return Profile({"cells": made[0].sort(_KEYS), "bins": made[1].sort(_BIN), "classes": classes, "broken": broken})


def merged(one: Profile, other: Profile) -> Profile:
    """Sums of sums."""
    import polars as pl

    if not one.tables or not other.tables:
        return one if one.tables else other
    tables = dict(one.tables)
    tables["broken"] = pl.concat([one.tables["broken"], other.tables["broken"]]).sum()
    for name, keys in (("cells", _KEYS), ("bins", _BIN)):
        tables[name] = pl.concat([one.tables[name], other.tables[name]]).group_by(keys).agg(pl.all().sum()).sort(keys)
    return Profile(tables)


def groups_of(profile: Profile, grouping: str) -> list[Group]:
    """The groups of a grouping, by name."""
    import polars as pl

    table, bins = (profile.tables[name].filter(pl.col("grouping") == grouping) for name in ("cells", "bins"))
    of_group = bins.partition_by("group", as_dict=True)
    return [_group(str(name), part, of_group.get((name,))) for (name,), part in sorted(table.partition_by("group", as_dict=True).items())]


def _group(name: str, part: pl.DataFrame, bins: pl.DataFrame | None) -> Group:
    cells = {(row["target"], row["predicted"]): (row["rows"], row["weight"], row["square"]) for row in part.iter_rows(named=True)}
    quantities = [column.removeprefix("wx_") for column in part.columns if column.startswith("wx_")]
    moments = {one: (float(part[f"wx_{one}"].sum()), float(part[f"w2x_{one}"].sum()), float(part[f"w2x2_{one}"].sum())) for one in quantities}
    return Group(name, cells, moments, [] if bins is None else bins.select("weight", "said", "true").rows())


def _sums(quantities: Sequence[str]) -> Iterator[pl.Expr]:
    import polars as pl

    yield pl.col("weight").sum()
    yield (pl.col("weight") ** 2).sum().alias("square")
    for name in quantities:
        yield _times("weight", name).alias(f"wx_{name}")
        yield _times("weight", "weight", name).alias(f"w2x_{name}")
        yield _times("weight", "weight", name, name).alias(f"w2x2_{name}")


def _times(*names: str) -> pl.Expr:
    """The sum of a product, under the last one's name."""
    import polars as pl

    return reduce(lambda one, other: one * other, (pl.col(name) for name in names)).sum().alias(names[-1])


def _finite(predictions: pl.DataFrame) -> pl.Series:
    """Which rows have finite numbers for predictions."""
    import polars as pl
    import polars.selectors as cs

    numbers = predictions.select(cs.float())
    return (
        numbers.select(pl.all_horizontal(pl.all().is_finite().fill_null(False))).to_series() if numbers.width else pl.repeat(True, len(predictions), eager=True)
    )


def _measured(window: Window) -> pl.DataFrame:
    """Each row's weight, target and prediction as ids, its losses, and its place, what was said and what came true for a calibration."""
    import polars as pl

    assert window.output is not None
    assert window.predictions is not None
    weights = window.contract.having("weight")
    weight = window.rows[weights[0]].cast(pl.Float64) if weights else pl.repeat(1.0, len(window.rows), dtype=pl.Float64, eager=True)
    if window.output.kind == "labels":
        return pl.DataFrame({"weight": weight, **_of_labels(window.rows, window.predictions, window.output)})
    target = window.rows[window.output.target]
    if window.output.kind == "value":
        error = window.predictions["prediction"].cast(pl.Float64) - target.cast(pl.Float64)
        values = {"error": error, "absolute": error.abs(), "squared": error**2, "said": 0.0 * error, "true": 0.0 * error}
        zero = pl.repeat(0, len(error), dtype=pl.Int64, eager=True)
        return pl.DataFrame({"weight": weight, "target": zero, "predicted": zero, "bin": zero, **values})
    return pl.DataFrame({"weight": weight, **_of_classes(target, window.predictions, window.output)})


def _of_labels(rows: pl.DataFrame, predictions: pl.DataFrame, output: Output) -> dict[str, pl.Series]:
    """How many of a row's labels are right, as one of three outcomes, and its losses, each the mean over labels."""
    import numpy as np
    import polars as pl

    probability = predictions.select(f"probability_{k}" for k in range(len(output.classes))).cast(pl.Float64).to_numpy()
    true = rows.select(pl.col(output.targets).cast(pl.Float64)).to_numpy()
    right = hits(predictions, rows, output)
    outcome = pl.Series(np.where(right == 1, 0, np.where(right > 0, 1, 2)), dtype=pl.Int64)
    zero = pl.repeat(0, len(rows), dtype=pl.Int64, eager=True)
    losses = {"log_loss": log_losses(predictions, rows, output), "brier": ((probability - true) ** 2).mean(axis=1)}
    said = {name: zero.cast(pl.Float64) for name in ("said", "true")}
    return {"target": zero, "predicted": outcome, "bin": zero, **said, **{name: pl.Series(values) for name, values in losses.items()}}


def _of_classes(target: pl.Series, predictions: pl.DataFrame, output: Output) -> dict[str, pl.Series]:
    """Of a multi-class model, said and true are of the predicted class; of two classes, of the positive one."""
    import numpy as np
    import polars as pl

    classes = pl.Series("class", list(output.classes)).cast(pl.String)
    known, called = ids(target, classes), ids(predictions["prediction"], classes)
    probability = predictions.select(f"probability_{k}" for k in range(len(classes))).cast(pl.Float64).to_numpy()
    of = np.where(known.to_numpy() == UNSEEN, 0.0, probability[np.arange(len(known)), np.maximum(known.to_numpy(), 0)])
    smallest = np.finfo(np.float64).eps
    two = len(classes) == 2
    said = probability[:, 1] if two else probability.max(axis=1)
    true = (known == 1).cast(pl.Float64) if two else pl.Series((probability.argmax(axis=1) == known.to_numpy()).astype(float))
    squares = (said - true.to_numpy()) ** 2 if two else (probability**2).sum(axis=1) - 2 * of + 1
    place = np.clip(np.ceil(said * BINS).astype(int) - 1, 0, BINS - 1)
    losses = {"log_loss": -np.log(np.clip(of, smallest, 1 - smallest)), "brier": squares, "said": said, "bin": place}
    return {"target": known, "predicted": called, "true": true, **{name: pl.Series(values) for name, values in losses.items()}}
