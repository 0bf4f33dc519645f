"""The split by groups."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Self

from pydantic import Field, model_validator

from mlforge.components import Objection, Splitter
from mlforge.units import Share

if TYPE_CHECKING:
    import polars as pl

    from mlforge.contract import Contract

__all__ = ["Grouped"]


class Grouped(Splitter):
    """All rows of a group in one part: the visits of a patient, the frames of a film.

    A group's part follows from the seed and a hash of its value in the column with the role group: groups added or removed later move no other group. The
    shares are shares of groups, within the scatter of chance; few or uneven groups scatter widely. A row without a group is a group of its own.
    """

    libraries: ClassVar[tuple[str, ...]] = ("polars",)

    validation: Share = Field(default=0.15, gt=0, lt=1, description="share of groups by which training is steered")
    test: Share = Field(default=0.15, gt=0, lt=1, description="share of groups by which the model is judged")

    @model_validator(mode="after")
    def _leaves_some(self) -> Self:
        if self.validation + self.test >= 1:
            raise ValueError("validation and test leave no groups for training")
        return self

    def objections(self, contract: Contract) -> Iterator[Objection]:
        """There must be one group to go by."""
        groups = contract.having("group")
        if len(groups) != 1:
            hint = "Give it the role: contract.columns.NAME.role=group"
            yield Objection(
                "", f"the contract has {len(groups) or 'no'} column{'s' * (len(groups) > 1)} with the role group", "one", hint if not groups else ""
            )

    def assign(self, rows: pl.LazyFrame, contract: Contract, seed: int) -> pl.LazyFrame:
        """By the hash of the row's group."""
        from mlforge.artifact import ROW
        from mlforge.builtin.splits.order import group_hash
        from mlforge.builtin.splits.shares import hashed_place, part_of

        place = hashed_place(group_hash(contract, rows.collect_schema().names(), seed))
        return rows.select(ROW, part_of(place, self.validation, self.test))
