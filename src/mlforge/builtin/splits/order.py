"""The order of rows that a split goes by: a hash of what they are, not of where they stand."""

from __future__ import annotations

import polars as pl

from mlforge.artifact import ROW
from mlforge.contract import Contract

__all__ = ["group_hash", "row_hash"]


def row_hash(contract: Contract, columns: list[str], seed: int) -> pl.Expr:
    """64 bits of each row's identity under the seed: of its id where the contract has one, else of all that it contains.

    It does not depend on the row's position, on other rows or on threads; rows with the same content have the same hash. (Another version of Polars may hash
    otherwise: stages that use it are keyed by that version.)
    """
    keys = contract.having("id") or tuple(name for name in columns if name != ROW)
    return pl.struct(sorted(keys)).hash(seed)


def group_hash(contract: Contract, columns: list[str], seed: int) -> pl.Expr:
    """64 bits of the row's group under the seed; of the row's own identity where it has none."""
    (group,) = contract.having("group")
    return pl.when(pl.col(group).is_null()).then(row_hash(contract, columns, seed)).otherwise(pl.col(group).hash(seed))
