"""Numbers: missing values filled in and marked, then brought to one scale."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from mlforge.builtin.features.nodes import Nodes
from mlforge.components import Fragment, Transform
from mlforge.contract import Contract

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

__all__ = ["Numeric"]

_DTYPES = ("int", "float", "bool")
_CELLS = 32_000_000  # values in memory at a time while fitting: 256 MB
_FARTHEST = 1e6  # in standard deviations; keeps whatever a double can hold finite as float32


@dataclass(frozen=True)
class _Scale:
    """What fitting found out about one column."""

    fill: float
    centre: float
    spread: float
    missing: bool


class Numeric(Transform):
    """Fills missing numbers, marks where they were missing, and standardises."""

    libraries: ClassVar[tuple[str, ...]] = ("onnx", "polars", "numpy")
    requires: ClassVar[tuple[str, ...]] = ("onnx",)

    columns: tuple[str, ...] = Field(default=(), description="only these columns; every column of type int, float or bool when empty")
    impute: Literal["median", "mean"] = Field(default="median", description="what stands for a missing value: the training rows' median or mean")
    indicate: bool = Field(default=True, description="add a column that is 1 where a value was missing, for columns that are nullable")
    scale: Literal["standard", "none"] = Field(default="standard", description="standard: subtract the mean, divide by the deviation; none: as they are")

    def takes(self, contract: Contract) -> tuple[str, ...]:
        """Features of type int, float or bool."""
        suited = (key for key in contract.having("feature") if contract.columns[key].dtype in _DTYPES)
        return tuple(key for key in suited if not self.columns or key in self.columns)

    def fit(self, entry: str, columns: tuple[str, ...], rows: pl.LazyFrame, contract: Contract) -> Fragment | None:
        """Look at the training rows, some columns at a time, so that memory stays bounded.

        Sums are numpy's over a column in the order of its rows: a multi-threaded sum could differ in its last bit from one run to the next.
        """
        if not columns:
            return None
        scales = self._scales(columns, rows, contract)
        graph, output = self._graph(entry, columns, [scales[key] for key in columns], contract)
        width = len(columns) + sum(scales[key].missing for key in columns)
        return Fragment(columns, tuple(graph.nodes), tuple(graph.constants), output, "numbers", width)

    def _scales(self, columns: tuple[str, ...], rows: pl.LazyFrame, contract: Contract) -> dict[str, _Scale]:
        import polars as pl

        count = max(1, int(rows.select(pl.len()).collect().item()))
        step = max(1, _CELLS // count)
        scales = {}
        for start in range(0, len(columns), step):
            some = columns[start : start + step]
            frame = rows.select(pl.col(key).cast(pl.Float64) for key in some).collect()
            scales.update({key: self._scale(frame[key].to_numpy(), contract.columns[key].nullable) for key in some})
        return scales

    def _scale(self, values: np.ndarray, nullable: bool) -> _Scale:
        import numpy as np

        known = values[~np.isnan(values)]
        missing = self.indicate and (nullable or len(known) < len(values))
        if not len(known):
            return _Scale(0.0, 0.0, 1.0, missing)
        mean = float(known.mean())
        fill = float(np.median(known)) if self.impute == "median" else mean
        spread = float(known.std())
        if self.scale == "none":
            return _Scale(fill, 0.0, 1.0, missing)
        varies = known.min() < known.max() and spread > 0  # rounding can give a constant column a tiny deviation
        return _Scale(fill, mean, spread if varies else 1.0, missing)

    def _graph(self, entry: str, columns: tuple[str, ...], scales: list[_Scale], contract: Contract) -> tuple[Nodes, str]:
        """All in double until the numbers are small: an integer beyond 2²⁴ has no exact float32."""
        import numpy as np

        graph = Nodes(entry)
        plain = [graph.add("Cast", key, to=11) if _is_bool(contract, key) else key for key in columns]  # 11: double
        raw = graph.add("Concat", *plain, axis=1)
        absent = graph.add("IsNaN", raw)
        filled = graph.add("Where", absent, graph.constant(_row(scale.fill for scale in scales)), raw)
        centred = graph.add("Sub", filled, graph.constant(_row(scale.centre for scale in scales)))
        scaled = graph.add("Div", centred, graph.constant(_row(scale.spread for scale in scales)))
        bounded = graph.add("Clip", scaled, graph.constant(np.array(-_FARTHEST)), graph.constant(np.array(_FARTHEST)))
        numbers = graph.add("Cast", bounded, to=1)  # 1: float32
        marked = [i for i, scale in enumerate(scales) if scale.missing]
        if not marked:
            return graph, numbers
        marks = graph.add("Cast", graph.add("Gather", absent, graph.constant(np.array(marked, np.int64)), axis=1), to=1)
        return graph, graph.add("Concat", numbers, marks, axis=1)


def _is_bool(contract: Contract, key: str) -> bool:
    """Is the column a graph input of type bool; one that may be missing is a double, since a bool cannot say so."""
    column = contract.columns[key]
    return column.dtype == "bool" and not column.nullable


def _row(values: Iterable[float]) -> np.ndarray:
    import numpy as np

    return np.array([list(values)], np.float64)
