"""The monitor drift."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from mlforge.builtin.monitors.family import Family
from mlforge.components import Objection
from mlforge.contract import Column, Contract, Role
from mlforge.errors import nearest
from mlforge.window import Window

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Drift", "read"]

_NUMBERS = frozenset({"int", "float", "datetime", "string"})
_WORDS = frozenset({"category", "bool"})
_ROLES: tuple[Role, ...] = ("feature", "protected")


class Drift(Family):
    """Columns that are distributed otherwise than in training, under a promise on false alarms.

    Numbers are compared by the distance of their distribution functions (Kolmogorov and Smirnov), categories by chi-squared over the categories and one bin for
    those that training has not seen. A column alarms when chance does not explain the difference, over all columns together (Holm), *and* it is large enough
    to matter: Wasserstein's distance in standard deviations, or total variation. A single look may alarm without cause with the chance that `false_alarms`
    leaves to it, so that looking more often does not raise it.
    """

    about: ClassVar[str] = "drift"

    columns: tuple[str, ...] = Field(default=(), description="keys of the columns to watch; all features and protected ones when none is named")

    def objections(self, contract: Contract) -> Iterable[Objection]:
        """Columns that are not there, or cannot be watched."""
        yield from super().objections(contract)
        for key in self.columns:
            if key not in contract.columns:
                yield Objection("columns", f"there is no column {key}", hint=nearest(key, contract.columns))
            elif not _watched(contract.columns[key]):
                why = "is personal data" if contract.columns[key].pii is not None else f"is {contract.columns[key].dtype}"
                yield Objection("columns", f"{key} {why}", "numbers, times, categories and strings", "For texts and arrays there is the monitor text_drift.")

    def values(self, window: Window) -> pl.DataFrame | None:
        """The watched columns."""
        columns = window.contract.columns
        wanted = self.columns or window.contract.having(*_ROLES)
        keys = [key for key in wanted if key in columns and key in window.rows.columns and _watched(columns[key])]
        return window.rows.select(read(key, columns[key]) for key in keys) if keys else None


def _watched(column: Column) -> bool:
    """Personal data is not: its values would come to lie in profiles."""
    return column.dtype in _NUMBERS | _WORDS and column.pii is None


def read(key: str, column: Column) -> pl.Expr:
    """A column as it is watched: numbers and times (seconds since 1970) as doubles, categories as text, and strings by their length."""
    import polars as pl

    if column.dtype in _WORDS:
        return pl.col(key).cast(pl.String)
    value = {"datetime": pl.col(key).dt.epoch("us") / 1e6, "string": pl.col(key).str.len_chars()}.get(column.dtype, pl.col(key))
    return value.cast(pl.Float64).fill_null(float("nan")).alias(key)
