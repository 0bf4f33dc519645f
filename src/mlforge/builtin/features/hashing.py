"""Categories by hash: for columns with more categories than a table should have rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from mlforge.builtin.features.nodes import Nodes
from mlforge.components import Fragment, Transform
from mlforge.contract import Contract

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Hashing"]

_DTYPES = ("category", "string")


class Hashing(Transform):
    """Numbers categories by a hash of their text: for very many of them. Unseen ones get a number too; 0 is for missing ones.

    Nothing is learned from the data, so a new category is treated as those that share its bucket. Within 1,024 buckets, 100 categories share about five
    buckets with another one. List it before `categorical`, with its columns, since the first entry that wants a column gets it.
    """

    libraries: ClassVar[tuple[str, ...]] = ("onnx",)
    requires: ClassVar[tuple[str, ...]] = ("onnx",)

    columns: tuple[str, ...] = Field(default=(), description="only these columns; every column of type category or string when empty")
    buckets: int = Field(default=1024, ge=2, le=1_000_000, description="how many numbers there are for the categories of each column")

    def takes(self, contract: Contract) -> tuple[str, ...]:
        """Features of type category or string."""
        suited = (key for key in contract.having("feature") if contract.columns[key].dtype in _DTYPES)
        return tuple(key for key in suited if not self.columns or key in self.columns)

    def fit(self, entry: str, columns: tuple[str, ...], rows: pl.LazyFrame, contract: Contract) -> Fragment | None:
        """There is nothing to fit."""
        import numpy as np

        if not columns:
            return None
        graph = Nodes(entry)
        text = graph.add("Concat", *columns, axis=1)
        hashed = graph.add("Cast", graph.add("MurmurHash3", text, domain="com.microsoft", positive=1, seed=0), to=7)  # 7: int64
        bucket = graph.add("Mod", hashed, graph.constant(np.array(self.buckets, np.int64)))
        numbered = graph.add("Add", bucket, graph.constant(np.array(1, np.int64)))
        present = graph.add("LabelEncoder", text, domain="ai.onnx.ml", keys_strings=[""], values_int64s=[0], default_int64=1)
        output, cardinalities = graph.add("Mul", numbered, present), (self.buckets + 1,) * len(columns)
        return Fragment(columns, tuple(graph.nodes), tuple(graph.constants), output, "categories", len(columns), cardinalities)
