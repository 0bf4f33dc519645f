"""Which columns a transform is for: those of its types, or of these the ones that the recipe names."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mlforge.components import Objection
from mlforge.contract import Contract
from mlforge.errors import nearest

__all__ = ["misnamed", "suited"]


def suited(contract: Contract, named: tuple[str, ...], fits: Callable[[str], bool]) -> tuple[str, ...]:
    """Keys of the features whose dtype fits, in the contract's order; only the named ones, where any is named."""
    return tuple(key for key in contract.having("feature") if fits(contract.columns[key].dtype) and (not named or key in named))


def misnamed(contract: Contract, named: tuple[str, ...], fits: Callable[[str], bool]) -> Iterator[Objection]:
    """What is wrong with the names in `columns`."""
    for key in named:
        column = contract.columns.get(key)
        if column is None:
            yield Objection("columns", f"the contract has no column {key}", f"one of {', '.join(list(contract.columns)[:8])}", nearest(key, contract.columns))
        elif column.role != "feature":
            yield Objection("columns", f"{key} has the role {column.role}", "a feature")
        elif not fits(column.dtype):
            yield Objection("columns", f"{key} is of type {column.dtype}, which this transform does not take")
