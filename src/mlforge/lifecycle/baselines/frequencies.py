"""What a model of several labels is held against: one that knows no features."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from mlforge.errors import DataError
from mlforge.task import Output

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Frequencies"]


@dataclass(frozen=True)
class Frequencies:
    """The share of the training rows that have each label: the best that can be said of a row without looking at it."""

    output: Output
    shares: tuple[float, ...]

    @classmethod
    def fit(cls, rows: Iterable[pl.DataFrame], output: Output, weight: str | None = None) -> Self:
        """From the targets' columns, a partition at a time; weighted where there is a weight column."""
        import polars as pl

        each = pl.col(weight).cast(pl.Float64) if weight else pl.lit(1.0)
        sums = [(each * pl.col(key).cast(pl.Float64)).sum().alias(key) for key in output.targets]
        total = (each + 0.0 * pl.col(output.targets[0]).cast(pl.Float64)).sum().alias("__total__")
        parts = [part.select(total, *sums) for part in rows if len(part)]
        if not parts:
            raise DataError("there are no training rows", hint="Give split.validation and split.test smaller shares, or the source more rows.")
        whole, *of = pl.concat(parts).sum().row(0)
        return cls(output, tuple(float(one) / float(whole) for one in of))

    def predict(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The same for every row."""
        import polars as pl

        said = " ".join(key for key, share in zip(self.output.targets, self.shares, strict=True) if share >= 0.5)
        shares = {f"probability_{k}": pl.repeat(share, len(rows), eager=True) for k, share in enumerate(self.shares)}
        return pl.DataFrame({"prediction": pl.repeat(said, len(rows), dtype=pl.String, eager=True), **shares})
