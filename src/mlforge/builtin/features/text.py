"""Text: each frequent word, or run of characters, becomes an input of the model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Self

from pydantic import Field, model_validator

from mlforge.builtin.features.columns import misnamed, suited
from mlforge.builtin.features.nodes import Nodes
from mlforge.builtin.features.terms import Unit, frequent
from mlforge.builtin.features.weighing import weighed
from mlforge.components import Fragment, Objection, Transform
from mlforge.contract import Contract

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Text"]


class Text(Transform):
    """Weighs the frequent words of a text, pairs of words, or runs of characters (TF-IDF): one number for each.

    A row's numbers have one length together, whatever the length of its text; a text without any known term is all zeros. Memory grows with `max_terms`
    (0.25 GB for 2,000 terms when 16,384 rows are predicted at a time), not with the longest text.
    """

    libraries: ClassVar[tuple[str, ...]] = ("onnx", "polars", "numpy")
    requires: ClassVar[tuple[str, ...]] = ("onnx",)

    columns: tuple[str, ...] = Field(default=(), description="only these columns; every column of type text when empty")
    words: int = Field(default=2, ge=0, le=4, description="terms of up to so many words in a row; 0: none")
    characters: int = Field(default=0, ge=0, le=6, description="terms of up to so many characters in a row, for languages without spaces or for typos; 0: none")
    max_terms: int = Field(default=2000, ge=1, le=10_000, description="the most frequent so many terms of a column are kept; of words and of characters each")
    min_count: int = Field(default=2, ge=1, description="a term that occurs in fewer training rows is left out")
    lowercase: bool = Field(default=True, description="capital and small letters are the same")
    sample: int = Field(default=50_000, ge=1, description="terms are chosen from at most so many training rows, spread evenly")

    @model_validator(mode="after")
    def _has_terms(self) -> Self:
        if not self.words and not self.characters:
            raise ValueError("words and characters are both 0: there are no terms")
        return self

    def takes(self, contract: Contract) -> tuple[str, ...]:
        """Features of type text; of type string or category too, where they are named."""
        return suited(contract, self.columns, self._takes)

    def objections(self, contract: Contract) -> Iterator[Objection]:
        """Columns that are named and cannot be taken."""
        yield from misnamed(contract, self.columns, self._takes)

    def _takes(self, dtype: str) -> bool:
        return dtype == "text" or (bool(self.columns) and dtype in ("string", "category"))

    def fit(self, entry: str, columns: tuple[str, ...], rows: pl.LazyFrame, contract: Contract) -> Fragment | None:
        """Choose the terms and count the rows that each occurs in."""
        units: list[tuple[Unit, int]] = [("words", self.words), ("characters", self.characters)]
        graph, outputs, width, read = Nodes(entry), [], 0, []
        for key in columns:
            for unit, longest in units:
                limits = {"most": self.max_terms, "least": self.min_count, "sample": self.sample}
                terms = frequent(rows, key, unit, longest, lower=self.lowercase, **limits)
                if terms.terms:
                    outputs.append(weighed(graph, key, terms, unit, lower=self.lowercase))
                    width += len(terms.terms)
                    read.append(key)
        if not outputs:
            return None
        kept = tuple(dict.fromkeys(read))
        output = graph.add("Concat", *outputs, axis=1)
        return Fragment(kept, tuple(graph.nodes), tuple(graph.constants), output, "numbers", width)
