"""Numbers: missing values filled in and marked, then brought to one scale."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from mlforge.builtin.features.columns import misnamed, suited
from mlforge.builtin.features.nodes import Nodes
from mlforge.builtin.features.quantiles import Curve, curve, placed
from mlforge.builtin.features.standard import Scale, filled, marked, scaled
from mlforge.components import Fragment, Objection, Transform
from mlforge.contract import Contract

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

__all__ = ["Numeric"]

_DTYPES = ("int", "float", "bool")
_CELLS = 32_000_000  # values in memory at a time while fitting: 256 MB
_NORMAL_IQR = 1.3489795003921634  # between the quartiles of a normal distribution of deviation 1

_Fitted = tuple[Scale, "Curve | None"]


class Numeric(Transform):
    """Fills missing numbers, marks where they were missing, and brings all to one scale."""

    libraries: ClassVar[tuple[str, ...]] = ("onnx", "polars", "numpy")
    requires: ClassVar[tuple[str, ...]] = ("onnx",)

    columns: tuple[str, ...] = Field(default=(), description="only these columns; every column of type int, float or bool when empty")
    impute: Literal["median", "mean"] = Field(default="median", description="what stands for a missing value: the training rows' median or mean")
    indicate: bool = Field(default=True, description="add a column that is 1 where a value was missing, for columns that are nullable")
    scale: Literal["standard", "robust", "quantile", "none"] = Field(
        default="standard",
        description="standard: subtract the mean, divide by the deviation; robust: by median and quartiles, which outliers do not move; "
        "quantile: by the place among the training rows, for long tails; none: as they are",
    )

    def takes(self, contract: Contract) -> tuple[str, ...]:
        """Features of type int, float or bool."""
        return suited(contract, self.columns, _takes)

    def objections(self, contract: Contract) -> Iterator[Objection]:
        """Columns that are named and cannot be taken."""
        yield from misnamed(contract, self.columns, _takes)

    def fit(self, entry: str, columns: tuple[str, ...], rows: pl.LazyFrame, contract: Contract) -> Fragment | None:
        """Look at the training rows, some columns at a time, so that memory stays bounded.

        Sums are numpy's over a column in the order of its rows: a multi-threaded sum could differ in its last bit from one run to the next.
        """
        if not columns:
            return None
        fits = self._fits(columns, rows, contract)
        graph, output = self._graph(entry, columns, [fits[key] for key in columns], contract)
        width = len(columns) + sum(scale.missing for scale, _ in fits.values())
        return Fragment(columns, tuple(graph.nodes), tuple(graph.constants), output, "numbers", width)

    def _fits(self, columns: tuple[str, ...], rows: pl.LazyFrame, contract: Contract) -> dict[str, _Fitted]:
        import polars as pl

        count = max(1, int(rows.select(pl.len()).collect().item()))
        step = max(1, _CELLS // count)
        fits = {}
        for start in range(0, len(columns), step):
            some = columns[start : start + step]
            frame = rows.select(pl.col(key).cast(pl.Float64) for key in some).collect()
            fits.update({key: self._fit(frame[key].to_numpy(), contract.columns[key].nullable) for key in some})
        return fits

    def _fit(self, values: np.ndarray, nullable: bool) -> _Fitted:
        import numpy as np

        known = values[~np.isnan(values)]
        missing = self.indicate and (nullable or len(known) < len(values))
        if not len(known):
            return Scale(0.0, 0.0, 1.0, missing), Curve(np.zeros(1), np.zeros(1)) if self.scale == "quantile" else None
        mean, median = float(known.mean()), float(np.median(known))
        fill = median if self.impute == "median" else mean
        if self.scale == "none":
            return Scale(fill, 0.0, 1.0, missing), None
        if self.scale == "quantile":
            return Scale(fill, 0.0, 1.0, missing), curve(known)
        low, high = np.quantile(known, (0.25, 0.75))
        if self.scale == "robust" and high > low:  # where half the rows or more have one value, there is the deviation
            return Scale(fill, median, float(high - low) / _NORMAL_IQR, missing), None
        spread = float(known.std())
        varies = known.min() < known.max() and spread > 0  # rounding can give a constant column a tiny deviation
        return Scale(fill, median if self.scale == "robust" else mean, spread if varies else 1.0, missing), None

    def _graph(self, entry: str, columns: tuple[str, ...], fits: list[_Fitted], contract: Contract) -> tuple[Nodes, str]:
        graph = Nodes(entry)
        plain = [graph.add("Cast", key, to=11) if _is_bool(contract, key) else key for key in columns]  # 11: double
        raw = graph.add("Concat", *plain, axis=1)
        scales = [scale for scale, _ in fits]
        absent, whole = filled(graph, raw, scales)
        curves = [curve for _, curve in fits if curve is not None]
        numbers = placed(graph, whole, curves) if curves else scaled(graph, whole, scales)
        return graph, marked(graph, numbers, absent, scales)


def _takes(dtype: str) -> bool:
    return dtype in _DTYPES


def _is_bool(contract: Contract, key: str) -> bool:
    """Is the column a graph input of type bool; one that may be missing is a double, since a bool cannot say so."""
    column = contract.columns[key]
    return column.dtype == "bool" and not column.nullable
