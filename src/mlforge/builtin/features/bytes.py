"""A text as its bytes: what a language model reads."""

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

__all__ = ["Bytes"]


class Bytes(Transform):
    """Reads a text as bytes, for a language model: its last `context` ones.

    UTF-8, so that any text can be read; a NUL within a text is read as 1. It makes the block `bytes`, which only a language model takes.
    """

    libraries: ClassVar[tuple[str, ...]] = ("onnx", "polars", "numpy")
    requires: ClassVar[tuple[str, ...]] = ("onnx",)

    columns: tuple[str, ...] = Field(default=(), description="the column to read; the only one of type text when empty")
    context: int = Field(default=128, ge=2, le=65_536, description="how many bytes of a text are read, its last ones")

    def takes(self, contract: Contract) -> tuple[str, ...]:
        """Features of type text; of type string or category too, where they are named."""
        return suited(contract, self.columns, self._takes)

    def objections(self, contract: Contract) -> Iterator[Objection]:
        """There must be one text."""
        wrong = list(misnamed(contract, self.columns, self._takes))
        yield from wrong
        if not wrong and len(taken := self.takes(contract)) != 1:
            told = f"{len(taken)} features are texts: {', '.join(taken)}" if taken else "no feature is a text"
            yield Objection("columns", told, "one, to be read as bytes", "Give the others the role ignore." if taken else "Declare one: {dtype: text}.")

    def _takes(self, dtype: str) -> bool:
        return dtype == "text" or (bool(self.columns) and dtype in ("string", "category"))

    def fit(self, entry: str, columns: tuple[str, ...], rows: pl.LazyFrame, contract: Contract) -> Fragment | None:
        """There is nothing to learn."""
        if not columns:
            return None
        graph = Nodes(entry)
        output = graph.add("Identity", columns[0])
        return Fragment(columns[:1], tuple(graph.nodes), tuple(graph.constants), output, "bytes", self.context)
