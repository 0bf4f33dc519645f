"""Dates and times: parts of the calendar as numbers, computed within the graph."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from mlforge.builtin.features.calendar import Calendar
from mlforge.builtin.features.columns import misnamed, suited
from mlforge.builtin.features.nodes import Nodes
from mlforge.builtin.features.standard import Scale, marked, scaled
from mlforge.components import Fragment, Objection, Transform
from mlforge.contract import Contract

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

__all__ = ["Dates"]

Part = Literal["year", "month", "day", "weekday", "hour", "age"]
_CYCLES = {"month": (1, 12), "day": (1, 31), "weekday": (0, 7), "hour": (0, 24)}  # first value, and how many there are


class Dates(Transform):
    """Turns dates and times (UTC) into year, month, day, weekday, hour and age in days."""

    libraries: ClassVar[tuple[str, ...]] = ("onnx", "polars", "numpy")
    requires: ClassVar[tuple[str, ...]] = ("onnx",)

    columns: tuple[str, ...] = Field(default=(), description="only these columns; every column of type datetime when empty")
    parts: tuple[Part, ...] = Field(
        default=("year", "month", "weekday", "hour", "age"),
        min_length=1,
        description="what the model is told of a time; age: days before the latest one in training, negative for later ones",
    )
    cyclic: bool = Field(default=True, description="month, day, weekday and hour as points on a circle (sine, cosine), so that December is next to January")

    def takes(self, contract: Contract) -> tuple[str, ...]:
        """Features of type datetime."""
        return suited(contract, self.columns, _takes)

    def objections(self, contract: Contract) -> Iterator[Objection]:
        """Columns that are named and cannot be taken."""
        yield from misnamed(contract, self.columns, _takes)

    def fit(self, entry: str, columns: tuple[str, ...], rows: pl.LazyFrame, contract: Contract) -> Fragment | None:
        """The scale of each part over the training rows."""
        if not columns:
            return None
        graph, outputs, width = Nodes(entry), [], 0
        for key in columns:
            output, wide = self._column(graph, key, _seconds(rows, key), contract.columns[key].nullable)
            outputs.append(output)
            width += wide
        output = graph.add("Concat", *outputs, axis=1)
        return Fragment(columns, tuple(graph.nodes), tuple(graph.constants), output, "numbers", width)

    def _column(self, graph: Nodes, key: str, known: np.ndarray, nullable: bool) -> tuple[str, int]:
        """The nodes of one column, and how many numbers it becomes."""
        import numpy as np

        usual = float(np.median(known)) if len(known) else 0.0
        absent = graph.add("IsNaN", key)
        calendar = Calendar(graph, graph.add("Where", absent, graph.constant(np.array([[usual]])), key))
        latest = float(known.max()) if len(known) else 0.0
        turning = [part for part in dict.fromkeys(self.parts) if self.cyclic and part in _CYCLES]
        straight = [part for part in dict.fromkeys(self.parts) if part not in turning]
        parts = [calendar.circle(part, *_CYCLES[part]) for part in turning]
        if straight:
            raw = graph.add("Concat", *(calendar.part(part, latest) for part in straight), axis=1)
            parts.append(scaled(graph, raw, [_scale(part, known, latest) for part in straight]))
        both = graph.add("Concat", *parts, axis=1)
        return marked(graph, both, absent, [Scale(usual, 0.0, 1.0, nullable)]), 2 * len(turning) + len(straight) + nullable


def _takes(dtype: str) -> bool:
    return dtype == "datetime"


def _seconds(rows: pl.LazyFrame, key: str) -> np.ndarray:
    import numpy as np
    import polars as pl

    return rows.select(pl.col(key).drop_nulls().dt.epoch("us").cast(pl.Float64) / 1e6).collect()[key].to_numpy().astype(np.float64)


def _scale(part: Part, known: np.ndarray, latest: float) -> Scale:
    """Mean and deviation of a part over the training rows; Polars knows the calendar too."""
    import numpy as np
    import polars as pl

    if not len(known):
        return Scale(0.0, 0.0, 1.0, missing=False)
    if part == "age":
        values = (latest - known) / 86_400
    else:
        times = pl.Series((known * 1e6).astype(np.int64)).cast(pl.Datetime("us"))
        values = getattr(times.dt, part)().cast(pl.Float64).to_numpy() - (part == "weekday")
    spread = float(values.std())
    return Scale(0.0, float(values.mean()), spread if spread > 1e-9 else 1.0, missing=False)
