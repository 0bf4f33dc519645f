"""The split random."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Self

from pydantic import Field, model_validator

from mlforge.builtin.splits.apart import leave_some, tears_groups
from mlforge.components import Objection, Splitter
from mlforge.units import Share

if TYPE_CHECKING:
    import polars as pl

    from mlforge.contract import Contract

__all__ = ["Random"]


class Random(Splitter):
    """Each row by chance, whatever the other rows are.

    A row's part follows from the seed and a hash of its id columns (of all its content, where the contract has none): rows added or removed later move no
    other row, and equal rows land in the same part. The shares hold within the scatter of chance.
    """

    libraries: ClassVar[tuple[str, ...]] = ("polars",)

    validation: Share = Field(default=0.15, gt=0, lt=1, description="share of rows by which training is steered")
    test: Share = Field(default=0.15, gt=0, lt=1, description="share of rows by which the model is judged")

    @model_validator(mode="after")
    def _leaves_some(self) -> Self:
        leave_some(self.validation, self.test)
        return self

    def objections(self, contract: Contract) -> Iterator[Objection]:
        """It would tear groups apart."""
        yield from tears_groups(contract, "random")

    def assign(self, rows: pl.LazyFrame, contract: Contract, seed: int) -> pl.LazyFrame:
        """By the row's hash as a number from 0 to 1: test below `test`, then validation, then train."""
        from mlforge.artifact import ROW
        from mlforge.builtin.splits.order import row_hash
        from mlforge.builtin.splits.shares import hashed_place, part_of

        place = hashed_place(row_hash(contract, rows.collect_schema().names(), seed))
        return rows.select(ROW, part_of(place, self.validation, self.test))
