"""What a candidate is held against: a model that knows no features, and a champion whose classes may be others."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from mlforge.errors import DataError
from mlforge.task import Output

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Baseline", "aligned"]


@dataclass(frozen=True)
class Baseline:
    """The best model without features: the training rows' class shares, or their mean."""

    output: Output
    shares: tuple[float, ...] = ()  # of the classes, in the output's order
    mean: float = 0.0

    @classmethod
    def fit(cls, rows: Iterable[pl.DataFrame], output: Output, weight: str | None = None) -> Self:
        """From the target's column, a partition at a time; weighted where there is a weight column."""
        import polars as pl

        target = pl.col(output.target)
        each = pl.col(weight) if weight else pl.lit(1.0)
        columns = [
            (pl.lit("") if output.kind == "value" else target.cast(pl.String)).alias("class"),
            each.cast(pl.Float64).alias("weight"),
            (each * target if output.kind == "value" else each).cast(pl.Float64).alias("sum"),
        ]
        sums = [part.with_columns(columns).group_by("class").agg(pl.col("weight", "sum").sum()) for part in rows if len(part)]
        if not sums:
            raise DataError("there are no training rows", hint="Give split.validation and split.test smaller shares, or the source more rows.")
        by_class = pl.concat(sums).group_by("class").agg(pl.col("weight", "sum").sum())
        total = float(by_class["weight"].sum())
        weights = dict(by_class.select("class", "weight").iter_rows())
        shares = tuple(float(weights.get(name, 0.0)) / total for name in _texts(output)) if output.kind == "classes" else ()
        return cls(output, shares, float(by_class["sum"].sum()) / total)

    def predict(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The same for every row."""
        import polars as pl

        if self.output.kind == "value":
            return pl.DataFrame({"prediction": pl.repeat(self.mean, len(rows), eager=True)})
        likeliest = self.output.classes[max(range(len(self.shares)), key=self.shares.__getitem__)]
        said = {f"probability_{k}": pl.repeat(share, len(rows), eager=True) for k, share in enumerate(self.shares)}
        return pl.DataFrame({"prediction": pl.Series([likeliest]).new_from_index(0, len(rows)), **said})


def aligned(predictions: pl.DataFrame, theirs: Output, ours: Output) -> pl.DataFrame:
    """Predictions with the probabilities in the order of our classes; 0 for a class that the other model does not know."""
    import polars as pl

    if theirs.classes == ours.classes:
        return predictions
    places = {name: place for place, name in enumerate(_texts(theirs))}
    columns = [pl.col(f"probability_{places[name]}") if name in places else pl.lit(0.0) for name in _texts(ours)]
    return predictions.select("prediction", *(column.alias(f"probability_{k}") for k, column in enumerate(columns)))


def _texts(output: Output) -> list[str]:
    """The classes as Polars writes them, so that 1 and "1" are one class."""
    import polars as pl

    return pl.Series(list(output.classes)).cast(pl.String).to_list()
