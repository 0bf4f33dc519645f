"""What is asked: requests of so many rows each, from a file or from what the contract allows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mlforge.errors import DataError, RecipeError
from mlforge.serving.row_schema import example_row

if TYPE_CHECKING:
    import polars as pl

    from mlforge.runtime.predictor import Predictor

__all__ = ["Rows", "bodies", "example", "taken"]

_MOST = 8 * 1024**2  # characters of all requests of a round
_SEVERAL = 200  # requests of a round that differ

Rows = list[dict[str, Any]]


def example(predictor: Predictor, version: str) -> Rows:
    """A row that keeps the contract. Raises RecipeError when none can be made up."""
    row = example_row(predictor.bundle.contract)
    if row is None:
        raise RecipeError(
            f"no row that keeps the contract of {version} can be made up", hint="A column with a pattern (regex) is in the way: give rows by --source."
        )
    return [row]


def taken(predictor: Predictor, frame: pl.DataFrame, source: str) -> Rows:
    """The rows of a frame that keep the contract. Raises DataError when none does."""
    answer = predictor.answer(frame)
    if not answer.accepted.len():
        reason = str(answer.rejected["reason"][0])[:200] if answer.rejected.height else "there are none"
        raise DataError(f"{source}: no row keeps the contract, and load is made of rows that do: {reason}")
    contract = predictor.bundle.contract
    asked = {key: column.name or key for key, column in contract.columns.items() if column.role not in ("target", "ignore")}
    kept = frame[answer.accepted].select([name for name in frame.columns if name in {*asked, *asked.values()}])
    return [{name: value for name, value in row.items() if value is not None and value == value} for row in kept.to_dicts()]  # NaN is no JSON


def bodies(rows: Rows, count: int) -> tuple[str, ...]:
    """Requests of `count` rows each, taken in turn and from the beginning again."""
    repeated = rows * -(-count // len(rows))
    distinct = max(1, min(_SEVERAL, len(rows) // count))
    made: list[str] = []
    for place in range(distinct):
        made.append(json.dumps({"rows": repeated[place * count : (place + 1) * count]}, default=str))
        if sum(map(len, made)) > _MOST:
            break
    return tuple(made)
