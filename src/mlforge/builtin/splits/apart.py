"""What splits by rows have in common: shares that leave something to train on, and groups that they would tear apart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mlforge.components import Objection

if TYPE_CHECKING:
    from mlforge.contract import Contract

__all__ = ["leave_some", "tears_groups"]


def leave_some(validation: float, test: float) -> None:
    """Raise ValueError when the shares of validation and test leave no rows for training."""
    if validation + test >= 1:
        raise ValueError("validation and test leave no rows for training")


def tears_groups(contract: Contract, split: str) -> Iterator[Objection]:
    """The objection of a split that looks at single rows to a contract that groups them."""
    if contract.having("group"):
        yield Objection(
            "", f"{contract.having('group')[0]} groups the rows, and {split} tears groups apart", "all rows of a group in one part", "Use split=grouped."
        )
