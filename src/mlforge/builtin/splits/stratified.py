"""The split stratified."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Self

from pydantic import Field, model_validator

from mlforge.builtin.splits.apart import leave_some, tears_groups
from mlforge.components import Objection, Splitter
from mlforge.errors import DataError
from mlforge.units import Share

if TYPE_CHECKING:
    import polars as pl

    from mlforge.contract import Contract

__all__ = ["Stratified"]


class Stratified(Splitter):
    """Each class of the target in the same shares.

    Within a class, rows are ordered by a hash of their id columns (of all their content, where the contract has none) under the seed, and the order is cut:
    the shares are exact to one row, and at least one row of each class goes to each part. Equal rows stand at the same place and land in the same part. Rows
    added or removed later move the two cuts of their class a little: only rows near a cut can change parts, about as many as the cut moves.
    """

    libraries: ClassVar[tuple[str, ...]] = ("polars",)

    validation: Share = Field(default=0.15, gt=0, lt=1, description="share of each class by which training is steered")
    test: Share = Field(default=0.15, gt=0, lt=1, description="share of each class by which the model is judged")

    @model_validator(mode="after")
    def _leaves_some(self) -> Self:
        leave_some(self.validation, self.test)
        return self

    def objections(self, contract: Contract) -> Iterator[Objection]:
        """It would tear groups apart, and needs classes."""
        yield from tears_groups(contract, "stratified")
        for key in contract.having("target"):
            if contract.columns[key].dtype in ("float", "datetime"):
                yield Objection("", f"{key} has values, not classes", "a target with classes", "Use split=random.")

    def assign(self, rows: pl.LazyFrame, contract: Contract, seed: int) -> pl.LazyFrame:
        """By the place of the row's hash within its class."""
        import polars as pl

        from mlforge.artifact import ROW
        from mlforge.builtin.splits.order import row_hash

        targets = contract.having("target")
        for target in targets:
            if contract.columns[target].dtype in ("float", "datetime"):
                raise DataError(f"split: {target} has values, not classes, and stratified needs classes", hint="Use split=random.")
        ordered = rows.select(ROW, pl.struct(targets).alias("class"), row_hash(contract, rows.collect_schema().names(), seed).alias("hash"))
        place, size = (pl.col("hash").rank("min") - 1).over("class"), pl.len().over("class")
        test, validation = self._count(size, self.test), self._count(size, self.validation)
        part = pl.when(place < test).then(pl.lit("test")).when(place < test + validation).then(pl.lit("validation")).otherwise(pl.lit("train"))
        return ordered.select(ROW, part.alias("part"))

    @staticmethod
    def _count(size: pl.Expr, share: float) -> pl.Expr:
        """How many of a class: its share, and at least one."""
        import polars as pl

        return pl.max_horizontal((size * share).round().cast(pl.Int64), 1)
