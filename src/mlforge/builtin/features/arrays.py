"""Arrays: each number of an array becomes an input of the model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from mlforge.builtin.features.columns import misnamed, suited
from mlforge.builtin.features.nodes import Nodes
from mlforge.builtin.features.standard import Scale, filled, marked, scaled
from mlforge.components import Fragment, Objection, Transform
from mlforge.contract import Contract

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

__all__ = ["Arrays"]

_CELLS = 8_000_000  # values in memory at a time while fitting: 64 MB


class Arrays(Transform):
    """Lays arrays of numbers out flat, and standardises each place; a missing array counts as an average one and is marked."""

    libraries: ClassVar[tuple[str, ...]] = ("onnx", "polars", "numpy")
    requires: ClassVar[tuple[str, ...]] = ("onnx",)

    columns: tuple[str, ...] = Field(default=(), description="only these columns; every column of arrays when empty")
    scale: Literal["standard", "none"] = Field(
        default="standard", description="standard: subtract each place's mean, divide by its deviation; none: as they are"
    )

    def takes(self, contract: Contract) -> tuple[str, ...]:
        """Features of type array."""
        return suited(contract, self.columns, _takes)

    def objections(self, contract: Contract) -> Iterator[Objection]:
        """Columns that are named and cannot be taken."""
        yield from misnamed(contract, self.columns, _takes)

    def fit(self, entry: str, columns: tuple[str, ...], rows: pl.LazyFrame, contract: Contract) -> Fragment | None:
        """Mean and deviation of each place over the training rows, some rows at a time."""
        if not columns:
            return None
        graph = Nodes(entry)
        parts, width = [], 0
        for key in columns:
            scales = self._scales(rows, key, contract.columns[key].nullable)
            absent, whole = filled(graph, key, scales)
            parts.append(marked(graph, scaled(graph, whole, scales), absent, scales))
            width += len(scales) + sum(scale.missing for scale in scales)
        output = graph.add("Concat", *parts, axis=1)
        return Fragment(columns, tuple(graph.nodes), tuple(graph.constants), output, "numbers", width)

    def _scales(self, rows: pl.LazyFrame, key: str, nullable: bool) -> list[Scale]:
        mean, deviation = _moments(rows, key)
        if self.scale == "none":
            return [Scale(float(m), 0.0, 1.0, nullable and not i) for i, m in enumerate(mean)]
        return [Scale(float(m), float(m), float(d), nullable and not i) for i, (m, d) in enumerate(zip(mean, deviation, strict=True))]


def _takes(dtype: str) -> bool:
    return dtype.startswith("array[")


def _moments(rows: pl.LazyFrame, key: str) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation of each place, merged over batches of a fixed size, so that the same rows give the same bits; 1 for a place that does not vary."""
    import numpy as np

    size = _size(rows, key)
    count, mean, squares = 0, np.zeros(size), np.zeros(size)
    low, high = np.full(size, np.inf), np.full(size, -np.inf)
    for frame in rows.select(key).drop_nulls().collect_batches(chunk_size=max(1, _CELLS // size), maintain_order=True):
        values = frame[key].to_numpy().astype(np.float64)
        total, here = count + len(values), values.mean(axis=0)
        squares += ((values - here) ** 2).sum(axis=0) + (here - mean) ** 2 * (count * len(values) / total)
        mean += (here - mean) * (len(values) / total)
        count, low, high = total, np.minimum(low, values.min(axis=0)), np.maximum(high, values.max(axis=0))
    deviation = np.sqrt(squares / max(1, count))
    return mean, np.where((high > low) & (deviation > 0), deviation, 1.0)


def _size(rows: pl.LazyFrame, key: str) -> int:
    import polars as pl

    dtype = rows.collect_schema()[key]
    assert isinstance(dtype, pl.Array), f"a table holds arrays of one size, and {key} is {dtype}"
    return int(dtype.shape[0])
