"""What the values of one column look like."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

__all__ = ["TOKENS", "UNSURE", "Look", "look", "tokens_in"]

TOKENS = ("?", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "#N/A", "\\N", "NaT", "<NA>")
"""What is written for a missing value, and hardly ever for anything else."""
UNSURE = ("-", "--", ".", "na", "None", "none", "unknown", "Unknown", "missing", "Missing")
"""What is written for a missing value where numbers are expected; among categories it may be one of them."""

_MOSTLY = 0.98  # share of values that are numbers, from which a column is one of numbers with slips
_ENOUGH = 50  # values for that
_LONG = 60  # characters on average, from which words are a text
_WORDY = 6  # words on average, likewise, where most values differ
_CATEGORIES = 1000
_CODE = r"^0\d+$"


@dataclass(frozen=True)
class Look:
    """One column of the sample: its dtype in the words of a contract, and figures about its values."""

    name: str
    dtype: str  # "" when no dtype of a contract fits
    values: pl.Series  # what is not missing; typed where the dtype is a number or a time, else text
    rows: int
    slips: int = 0  # values that are not of the dtype
    note: str = ""  # what is odd about it

    @property
    def known(self) -> int:
        """Values that are not missing, slips apart."""
        return len(self.values)

    @property
    def missing(self) -> int:
        """Rows without a value."""
        return self.rows - self.known - self.slips

    @cached_property
    def distinct(self) -> int:
        """Different values."""
        return 0 if self.dtype.startswith("array") or not self.dtype else self.values.n_unique()

    @cached_property
    def counts(self) -> list[tuple[object, int]]:
        """The most frequent values with their rows; up to a thousand, of equally frequent ones the smaller first."""
        table = self.values.alias("value").value_counts(name="rows").sort(["rows", "value"], descending=[True, False]).head(_CATEGORIES)
        return [(value, rows) for value, rows in table.iter_rows()]

    @property
    def unique(self) -> bool:
        """Does every row have a value of its own."""
        return self.known == self.rows and self.distinct == self.rows > 1

    @property
    def numeric(self) -> bool:
        """Is it int or float."""
        return self.dtype in ("int", "float")

    @property
    def wordy(self) -> bool:
        """Is it category, string or text."""
        return self.dtype in ("category", "string", "text")

    def matching(self, pattern: str) -> float:
        """Share of the values that are, from start to end, of this form; for words."""
        if not self.wordy or not self.known:
            return 0.0
        return float(self.values.str.strip_chars().str.contains(f"^(?:{pattern})$").mean() or 0.0)  # type: ignore[arg-type]


def tokens_in(frame: pl.DataFrame) -> tuple[str, ...]:
    """The ways in which the frame's text columns write a missing value."""
    import polars as pl

    found: set[str] = set()
    for series in frame.get_columns():
        if series.dtype != pl.String:
            continue
        text = series.str.strip_chars()
        found |= set(text.filter(text.is_in(list(TOKENS))).unique())
        unsure = text.filter(text.is_in(list(UNSURE)))
        if len(unsure):
            rest = text.filter(text.is_in(["", *TOKENS, *UNSURE]).not_()).drop_nulls()
            if len(rest) and (not rest.cast(pl.Float64, strict=False).null_count() or not _times(rest).null_count()):
                found |= set(unsure.unique())
    return tuple(token for token in (*TOKENS, *UNSURE) if token in found)


def look(series: pl.Series, nulls: Sequence[str]) -> Look:
    """What one column seems to be."""
    import polars as pl

    if series.dtype in (pl.Categorical, pl.Enum):
        series = series.cast(pl.String)
    rows = len(series)
    if series.dtype == pl.String:
        text = series.filter(series.str.strip_chars().is_in(["", *nulls]).not_())
        return _text(series.name, text, rows)
    if series.dtype.is_float():
        values = series.fill_nan(None)
        finite = values.filter(values.is_finite()).cast(pl.Float64)
        return Look(series.name, "float", finite, rows, values.drop_nulls().len() - len(finite))
    known = series.drop_nulls()
    if series.dtype.is_integer():
        return Look(series.name, "int", known.cast(pl.Int64, strict=False).drop_nulls(), rows)
    if series.dtype == pl.Boolean:
        return Look(series.name, "bool", known, rows)
    if series.dtype in (pl.Datetime, pl.Date):
        return Look(series.name, "datetime", known, rows)
    return Look(series.name, _array(known), known, rows)


def _array(known: pl.Series) -> str:
    """The dtype of lists that all have one length; nothing for others."""
    import polars as pl

    dtype = known.dtype
    if isinstance(dtype, pl.Array):
        known, dtype = known.arr.to_list(), pl.List(dtype.inner)
    if not isinstance(dtype, pl.List) or not dtype.inner.is_numeric():
        return ""
    lengths = known.list.len().unique()
    return f"array[float, {lengths[0]}]" if len(lengths) == 1 and lengths[0] else ""


def _text(name: str, text: pl.Series, rows: int) -> Look:
    """A column that came as text."""
    import polars as pl

    bare = text.str.strip_chars()
    if not len(text):
        return Look(name, "category", text, rows, note="it has no values")
    if not bare.str.to_lowercase().is_in(["true", "false"]).not_().any():
        return Look(name, "bool", bare.str.to_lowercase() == "true", rows)
    if bare.str.contains(_CODE).any():
        return _words(name, text, rows, "some begin with 0: codes, not numbers")
    numbers = bare.cast(pl.Float64, strict=False)
    numbers = numbers.filter(numbers.is_finite())
    slips = len(text) - len(numbers)
    if not slips or (len(numbers) >= _MOSTLY * len(text) and len(text) >= _ENOUGH):
        written = bare.str.contains(r"[.eE]").any() or bool((numbers != numbers.floor()).any())
        values = numbers if written else numbers.cast(pl.Int64, strict=False).drop_nulls()
        return Look(name, "float" if written else "int", values, rows, slips)
    times = _times(bare)
    slips = times.null_count()
    if not slips or (slips <= (1 - _MOSTLY) * len(text) and len(text) >= _ENOUGH):
        return Look(name, "datetime", times.drop_nulls(), rows, slips)
    return _words(name, text, rows, "")


def _times(text: pl.Series) -> pl.Series:
    """As the contract reads times."""
    import polars as pl

    from mlforge.contract import Column
    from mlforge.runtime.casts import typed

    return text.to_frame("t").select(typed(pl.col("t"), pl.String(), Column(dtype="datetime")))["t"]


def _words(name: str, text: pl.Series, rows: int, note: str) -> Look:
    lengths = float(text.str.len_chars().mean() or 0)  # type: ignore[arg-type]
    words = float(text.str.count_matches(r"\S+").mean() or 0)  # type: ignore[arg-type]
    distinct = text.n_unique()
    if lengths >= _LONG or (words >= _WORDY and distinct > len(text) / 2):
        return Look(name, "text", text, rows, note=note)
    if not note and re.search(r"\d", text[0]) and float(text.str.contains(r"^\s*\d{1,4}[./-]\d{1,2}[./-]\d{1,4}").mean() or 0) > _MOSTLY:  # type: ignore[arg-type]
        note = "these look like dates; written as 2026-11-22 they could be used as such"
    return Look(name, "category" if distinct <= min(_CATEGORIES, max(20, len(text) / 2)) else "string", text, rows, note=note)
