"""Categories by hash: for columns with more categories than a table should have rows."""

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

__all__ = ["Hashing"]

_DTYPES = ("category", "string")


class Hashing(Transform):
    """Numbers categories by a hash of their text: for very many of them. Unseen ones get a number too; 0 is for missing ones.

    Nothing is learned from the data: categories that fall into one bucket are one to the model, about five pairs of 100 categories in 1,024 buckets. Name its
    columns: the others are left to `categorical`.
    """

    libraries: ClassVar[tuple[str, ...]] = ("onnx",)
    requires: ClassVar[tuple[str, ...]] = ("onnx",)

    columns: tuple[str, ...] = Field(default=(), description="only these columns; every column of type category or string when empty")
    buckets: int = Field(default=1024, ge=2, le=1_000_000, description="how many numbers there are for the categories of each column")

    def takes(self, contract: Contract) -> tuple[str, ...]:
        """Features of type category or string."""
        return suited(contract, self.columns, _takes)

    def objections(self, contract: Contract) -> Iterator[Objection]:
        """Columns that are named and cannot be taken."""
        yield from misnamed(contract, self.columns, _takes)

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


def _takes(dtype: str) -> bool:
    return dtype in _DTYPES
