"""The split that the data has made already."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Self

from pydantic import Field, model_validator

from mlforge.components import Objection, Splitter
from mlforge.errors import DataError
from mlforge.units import Share

if TYPE_CHECKING:
    import polars as pl

    from mlforge.contract import Contract

__all__ = ["Column"]

_SHOWN = 5


class Column(Splitter):
    """As a column says, such as the usual train and test rows of a benchmark.

    The contract gives the column the role part. When no value names validation rows, give `validation_share`: so much of the training rows is set aside, by a
    hash of each row's group where the contract has one, else of its id columns, else of all its content: rows added later move no other row.
    """

    libraries: ClassVar[tuple[str, ...]] = ("polars",)

    train: tuple[str, ...] = Field(default=("train", "training"), description="its values for rows to train on")
    validation: tuple[str, ...] = Field(default=("validation", "valid", "val", "dev"), description="its values for rows by which training is steered")
    test: tuple[str, ...] = Field(default=("test",), description="its values for rows by which the model is judged")
    unused: tuple[str, ...] = Field(default=(), description="its values for rows to be left out; any other value is an error")
    validation_share: Share = Field(default=0.0, lt=1, description="share of the training rows that is set aside for validation")

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        values = [*self.train, *self.validation, *self.test, *self.unused]
        if doubled := sorted({value for value in values if values.count(value) > 1}):
            raise ValueError(f"{', '.join(doubled[:_SHOWN])} cannot mean two parts")
        return self

    def objections(self, contract: Contract) -> Iterator[Objection]:
        """There must be one column that names the part."""
        parts = contract.having("part")
        if len(parts) != 1:
            hint = "Give it the role: contract.columns.NAME.role=part"
            yield Objection("", f"the contract has {len(parts) or 'no'} column{'s' * (len(parts) > 1)} with the role part", "one", hint if not parts else "")
        if len(contract.having("group")) > 1:
            yield Objection("", f"the contract has {len(contract.having('group'))} columns with the role group", "one, or none")

    def assign(self, rows: pl.LazyFrame, contract: Contract, seed: int) -> pl.LazyFrame:
        """By the column's value. Raises DataError for a value that names no part."""
        import polars as pl

        from mlforge.artifact import ROW, UNUSED
        from mlforge.builtin.splits.order import group_hash, row_hash
        from mlforge.builtin.splits.shares import hashed_place

        (column,) = contract.having("part")
        value = pl.col(column).cast(pl.String)
        named = {"train": self.train, "validation": self.validation, "test": self.test, UNUSED: self.unused}
        meant = {one: part for part, values in named.items() for one in values}
        _check(rows, column, list(meant))
        names = rows.collect_schema().names()
        hashed = group_hash(contract, names, seed) if contract.having("group") else row_hash(contract, names, seed)
        aside = value.is_in(list(self.train)) & (hashed_place(hashed) < self.validation_share)
        part = value.replace_strict(list(meant), list(meant.values()), default=None, return_dtype=pl.String)
        return rows.select(ROW, pl.when(aside).then(pl.lit("validation")).otherwise(part).alias("part"))


def _check(rows: pl.LazyFrame, column: str, known: list[str]) -> None:
    import polars as pl

    value = pl.col(column).cast(pl.String)
    strange = rows.select(value.alias("value")).filter(pl.col("value").is_null() | ~pl.col("value").is_in(known)).unique().sort("value")
    found = strange.head(_SHOWN + 1).collect()["value"].to_list()
    if found:
        shown = ", ".join("missing" if one is None else repr(one)[:50] for one in found[:_SHOWN]) + (" …" if len(found) > _SHOWN else "")
        raise DataError(f"split: {column} names no part in some rows: {shown}", hint="Say what it means: split.train=[…], split.test=[…], split.unused=[…].")
