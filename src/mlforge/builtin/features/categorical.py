"""Categories: each becomes a number; what training has not seen becomes 0."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from mlforge.builtin.features.columns import misnamed, suited
from mlforge.builtin.features.nodes import Nodes
from mlforge.components import Fragment, Objection, Transform
from mlforge.contract import Contract

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Categorical"]

_DTYPES = ("category", "string")


class Categorical(Transform):
    """Numbers the categories of each column in sorted order; 0 stands for missing, unseen and rare ones."""

    libraries: ClassVar[tuple[str, ...]] = ("onnx", "polars")
    requires: ClassVar[tuple[str, ...]] = ("onnx",)

    columns: tuple[str, ...] = Field(default=(), description="only these columns; every column of type category or string when empty")
    max_categories: int = Field(default=1000, ge=1, description="the most frequent so many categories of a column get a number of their own")
    min_count: int = Field(default=1, ge=1, description="a category seen in fewer training rows counts as unknown")

    def takes(self, contract: Contract) -> tuple[str, ...]:
        """Features of type category or string."""
        return suited(contract, self.columns, _takes)

    def objections(self, contract: Contract) -> Iterator[Objection]:
        """Columns that are named and cannot be taken."""
        yield from misnamed(contract, self.columns, _takes)

    def fit(self, entry: str, columns: tuple[str, ...], rows: pl.LazyFrame, contract: Contract) -> Fragment | None:
        """Count the categories of the training rows, streaming."""
        if not columns:
            return None
        counts = {key: _counts(rows, key) for key in columns}
        kept = {key: self._kept(seen) for key, seen in counts.items()}
        graph = Nodes(entry)
        ids = [_numbered(graph, key, kept[key]) for key in columns]
        output = graph.add("Concat", *ids, axis=1)
        cardinalities = tuple(len(kept[key]) + 1 for key in columns)
        seen = {key: tuple(sorted(counts[key])) for key in columns}
        return Fragment(columns, tuple(graph.nodes), tuple(graph.constants), output, "categories", len(columns), cardinalities, seen)

    def _kept(self, counts: dict[str, int]) -> list[str]:
        frequent = sorted((category for category, count in counts.items() if count >= self.min_count), key=lambda category: (-counts[category], category))
        return sorted(frequent[: self.max_categories])


def _takes(dtype: str) -> bool:
    return dtype in _DTYPES


def _counts(rows: pl.LazyFrame, key: str) -> dict[str, int]:
    import polars as pl

    column = pl.col(key).cast(pl.String)
    table = rows.select(column).filter(column.is_not_null() & (column != "")).group_by(key).len().collect(engine="streaming")
    return dict(zip(table[key].to_list(), table["len"].to_list(), strict=True))


def _numbered(graph: Nodes, key: str, categories: list[str]) -> str:
    # A LabelEncoder needs at least one key; "" is what a missing value is fed as, and has no number of its own.
    keys = categories or [""]
    values = list(range(1, len(categories) + 1)) or [0]
    return graph.add("LabelEncoder", key, domain="ai.onnx.ml", keys_strings=keys, values_int64s=values, default_int64=0)
