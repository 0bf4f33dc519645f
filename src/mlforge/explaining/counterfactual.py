"""Which small change of a row would turn its answer, or bring a value where it is wanted: among usual values, and asked again before it is told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

__all__ = ["Change", "Counterfactual", "counterfactuals"]

_WIDEST = 3  # columns that are changed together
_NEAREST = 6  # columns that go into combinations: those that move the answer most
_HALVINGS = 12


@dataclass(frozen=True)
class Change:
    """One column's other value."""

    column: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Counterfactual:
    """A changed row, and what the model said of it when it was asked."""

    changes: tuple[Change, ...]
    prediction: Any
    row: pl.DataFrame


Said = Callable[["pl.DataFrame"], "pl.Series"]
Wanted = Callable[["pl.Series"], "pl.Series"]
Towards = Callable[["pl.DataFrame"], "np.ndarray"]


def counterfactuals(
    row: pl.DataFrame,
    values: Mapping[str, pl.Series],
    said: Said,
    towards: Towards,
    *,
    most: int = 3,
    confirmed: Callable[[pl.DataFrame], Any] | None = None,
    wanted: Wanted | None = None,
) -> list[Counterfactual]:
    """At most so many changed rows with a wanted answer, with the fewest columns changed, and these as little as it takes.

    `values` has what each column that may be changed could be; `said` the answers, of which `wanted` says which are (by default, any other than the row's);
    `towards` is a number for each row that falls as a wanted answer comes nearer. `confirmed` asks the way a user asks: None when the row would not be taken.
    """
    import polars as pl

    now = said(row)
    wanted = wanted or (lambda answers: answers != now[0])
    if wanted(now)[0]:
        return []
    columns = [key for key, series in values.items() if len(series)]
    found: list[Counterfactual] = []
    movers = _movers(row, values, columns, towards)
    for width in range(1, _WIDEST + 1):
        for keys in combinations(columns if width == 1 else movers[: _NEAREST - width + 2], width):
            if any({change.column for change in one.changes} <= set(keys) for one in found):
                continue
            changed = _smallest(row, _turned(row, keys, values, said, wanted), keys, said, wanted)
            if changed is None:
                continue
            answer = said(changed)[0] if confirmed is None else confirmed(changed)
            if answer is not None and wanted(pl.Series([answer], dtype=now.dtype))[0]:
                moved = tuple(Change(key, row[key][0], changed[key][0]) for key in keys if row[key][0] != changed[key][0])
                found.append(Counterfactual(moved, answer, changed))
        if found:
            break
    return sorted(found, key=lambda one: (len(one.changes), _distance(one.changes, values)))[:most]


def _movers(row: pl.DataFrame, values: Mapping[str, pl.Series], columns: Sequence[str], towards: Towards) -> list[str]:
    """Columns by how near they alone can bring another answer."""
    reach = {key: float(towards(_with(row, key, values[key])).min()) for key in columns}
    return sorted(columns, key=lambda key: (reach[key], key))


def _turned(row: pl.DataFrame, keys: Sequence[str], values: Mapping[str, pl.Series], said: Said, wanted: Wanted) -> Iterator[pl.DataFrame]:
    """Rows with other values in these columns and a wanted answer, those nearest to the row first."""
    import polars as pl

    grid = row
    for key in keys:
        grid = grid.drop(key).join(values[key].to_frame(key), how="cross").select(row.columns)
    grid = grid.filter(pl.all_horizontal(pl.col(key).ne_missing(pl.lit(row[key][0], dtype=row[key].dtype)) for key in keys))
    if grid.is_empty():
        return
    other = grid.filter(wanted(said(grid)))
    order = sorted(range(other.height), key=lambda place: sum(_gap(row[key][0], other[key][place], values[key]) for key in keys))
    yield from (other[place] for place in order)


def _smallest(row: pl.DataFrame, turned: Iterable[pl.DataFrame], keys: Sequence[str], said: Said, wanted: Wanted) -> pl.DataFrame | None:
    """The nearest of them, its numbers brought as near to the row's as the wanted answer allows."""
    import polars as pl

    best = next(iter(turned), None)
    if best is None:
        return None
    for key in keys:
        dtype, start = row[key].dtype, row[key][0]
        if not dtype.is_numeric() or start is None:
            continue
        near, far = float(start), float(best[key][0])
        for _ in range(_HALVINGS):
            middle = (near + far) / 2
            tried = best.with_columns(pl.Series(key, [round(middle) if dtype.is_integer() else middle]).cast(dtype))
            if wanted(said(tried))[0]:
                best, far = tried, float(tried[key][0])
            else:
                near = middle
    return best


def _with(row: pl.DataFrame, key: str, values: pl.Series) -> pl.DataFrame:
    return row.drop(key).join(values.to_frame(key), how="cross").select(row.columns)


def _distance(changes: Sequence[Change], values: Mapping[str, pl.Series]) -> float:
    return sum(_gap(change.before, change.after, values[change.column]) for change in changes)


def _gap(before: Any, after: Any, usual: pl.Series) -> float:
    """How far two values are apart, from 0 to about 1: numbers relative to what is usual, others whole."""
    if before is None or after is None or not usual.dtype.is_numeric():
        return float(before != after)
    low, high = float(usual.min()), float(usual.max())  # type: ignore[arg-type]  # numbers
    return abs(float(after) - float(before)) / (high - low) if high > low else 0.0
