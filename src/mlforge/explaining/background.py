"""What rows usually look like, column by column, kept in a bundle: what a row's values are held against when an answer is explained.

It holds no row of anybody: numbers are means of at least ten training rows, categories are those of at least ten, columns are kept apart from each other,
and columns of personal data and free text are left out. Rows that are drawn from it are made up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Self

from pydantic import BaseModel, ConfigDict, Field

from mlforge.contract import Contract

if TYPE_CHECKING:
    import polars as pl

__all__ = ["FEWEST", "FILE", "Background", "sampled"]

FILE = "background.json"
FEWEST = 10  # training rows that a value must stand for
_SIZE = 64  # values of a column
_SAMPLE = 20_000  # training rows that are looked at
_SEED = 0x6261636B
_LISTED = ("category", "string", "bool")
_NUMBERS = ("int", "float", "datetime")


class Background(BaseModel):
    """Values of each column, each standing for the same share of the training rows, in order; a missing value is null."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    columns: Mapping[str, tuple[Any, ...]] = Field(description="by column: numbers (seconds since 1970 for a time), texts, or one mean array")

    @classmethod
    def of(cls, rows: pl.DataFrame, contract: Contract) -> Self:
        """From training rows under the contract's keys and types."""
        told = {key: _values(rows[key], contract.columns[key].dtype) for key in contract.having("feature") if _tellable(contract, key) and key in rows.columns}
        return cls(columns={key: values for key, values in told.items() if values})

    def rows(self, count: int, schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
        """Made-up rows: in each column, every value as often as it is usual, whatever stands beside it (a Latin hypercube). Always the same."""
        import numpy as np
        import polars as pl

        made = {}
        for number, (key, values) in enumerate(self.columns.items()):
            places = (np.arange(count) * len(values)) // count  # even shares of the sorted values
            places = np.random.default_rng((_SEED, number)).permutation(places)
            made[key] = _series(key, [values[place] for place in places], schema[key])
        return pl.DataFrame(made)

    def grid(self, key: str, dtype: pl.DataType, most: int) -> pl.Series:
        """Distinct values of a column, at most so many, spread over what is usual."""
        import numpy as np

        series = _series(key, list(self.columns[key]), dtype).drop_nulls()
        distinct = series.unique(maintain_order=True)
        if len(distinct) <= most:
            return distinct
        return distinct.gather(np.unique(np.linspace(0, len(distinct) - 1, most).round().astype(int)))


def sampled(frames: Iterable[pl.DataFrame], row: str) -> pl.DataFrame | None:
    """At most 20,000 rows of these frames, those whose position has the smallest hash: however the rows are cut, the same ones."""
    import polars as pl

    kept: pl.DataFrame | None = None
    for frame in frames:
        both = frame.with_columns(pl.col(row).cast(pl.Int64).hash(_SEED).alias("__order__"))
        both = both if kept is None else pl.concat([kept, both])
        kept = both.sort("__order__").head(_SAMPLE)
    return kept


def _tellable(contract: Contract, key: str) -> bool:
    column = contract.columns[key]
    return column.pii is None and (column.dtype in (*_LISTED, *_NUMBERS) or column.dtype.startswith("array"))


def _values(series: pl.Series, dtype: str) -> tuple[Any, ...]:
    there = series.drop_nulls()
    if dtype.startswith("array"):
        return _mean_array(there)
    known = _categories(there) if dtype in _LISTED else _means(there, dtype)
    if not known:
        return ()
    missing = len(series) - len(there)
    nulls = round(_SIZE * missing / len(series)) if missing >= FEWEST else 0
    return (*_spread(known, max(1, _SIZE - nulls)), *[None] * nulls)


def _means(there: pl.Series, dtype: str) -> list[tuple[Any, int]]:
    """The means of equal parts of the sorted values, each of at least ten."""
    import numpy as np
    import polars as pl

    numbers = (there.dt.epoch("us") / 1e6 if dtype == "datetime" else there.cast(pl.Float64)).to_numpy()
    numbers = np.sort(numbers[np.isfinite(numbers)])
    parts = min(_SIZE, len(numbers) // FEWEST)
    means = [float(part.mean()) for part in np.array_split(numbers, parts)] if parts else []
    return [(round(mean) if dtype == "int" else float(f"{mean:.6g}") if dtype == "float" else mean, 1) for mean in means]


def _categories(there: pl.Series) -> list[tuple[Any, int]]:
    import polars as pl

    plain = there if there.dtype == pl.Boolean else there.cast(pl.String)
    counts = plain.value_counts(name="count").sort("count", pl.nth(0), descending=[True, False])
    return [(value, count) for value, count in counts.head(_SIZE // 2).rows() if count >= FEWEST]


def _mean_array(there: pl.Series) -> tuple[Any, ...]:
    if len(there) < FEWEST:
        return ()
    import numpy as np

    mean = np.nan_to_num(there.to_numpy().astype(float)).mean(axis=0)
    return (mean.round(6).tolist(),)


def _spread(known: list[tuple[Any, int]], size: int) -> list[Any]:
    """Each value as often as its share asks for, in `size` places."""
    import numpy as np

    reached = np.cumsum([count for _, count in known])
    middles = (np.arange(size) + 0.5) / size * reached[-1]
    return [known[place][0] for place in np.searchsorted(reached, middles, side="left")]


def _series(key: str, values: list[Any], dtype: pl.DataType) -> pl.Series:
    import polars as pl

    if dtype.is_temporal():
        return pl.Series(key, [None if value is None else round(value * 1e6) for value in values], dtype=pl.Int64).cast(pl.Datetime("us")).cast(dtype)
    return pl.Series(key, values, strict=False).cast(dtype)
