"""The split into folds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Self

from pydantic import Field, model_validator

from mlforge.components import Objection, Splitter

if TYPE_CHECKING:
    import polars as pl

    from mlforge.contract import Contract

__all__ = ["Kfold"]


class Kfold(Splitter):
    """One of k folds is the test part, the next one validation, the others train; each run has another `fold` as test.

    A row's fold follows from the seed and a hash of its group where the contract has one, else of its id columns, else of all its content: rows added later
    move no other row, and groups stay whole. Run it once for each fold: `split.fold=0`, `split.fold=1`, …
    """

    libraries: ClassVar[tuple[str, ...]] = ("polars",)

    folds: int = Field(default=5, ge=3, le=100, description="how many folds there are")
    fold: int = Field(default=0, ge=0, description="which of them is for test, from 0; the one after it is for validation")

    @model_validator(mode="after")
    def _exists(self) -> Self:
        if self.fold >= self.folds:
            raise ValueError(f"there are {self.folds} folds, numbered from 0 to {self.folds - 1}, and fold is {self.fold}")
        return self

    def objections(self, contract: Contract) -> Iterator[Objection]:
        """Two groups cannot both stay whole."""
        if len(contract.having("group")) > 1:
            yield Objection("", f"the contract has {len(contract.having('group'))} columns with the role group", "one, or none")

    def assign(self, rows: pl.LazyFrame, contract: Contract, seed: int) -> pl.LazyFrame:
        """By the hash modulo the number of folds; `fold` comes along."""
        import polars as pl

        from mlforge.artifact import ROW
        from mlforge.builtin.splits.order import group_hash, row_hash

        names = rows.collect_schema().names()
        hashed = group_hash(contract, names, seed) if contract.having("group") else row_hash(contract, names, seed)
        folded = rows.select(ROW, (hashed % self.folds).cast(pl.Int64).alias("fold"))
        fold = pl.col("fold")
        part = pl.when(fold == self.fold).then(pl.lit("test")).when(fold == (self.fold + 1) % self.folds).then(pl.lit("validation")).otherwise(pl.lit("train"))
        return folded.with_columns(part.alias("part"))
