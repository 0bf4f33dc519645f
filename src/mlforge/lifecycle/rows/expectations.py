"""What a contract expects of whole columns, gathered while the rows pass."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import polars as pl

from mlforge.artifact import ROW
from mlforge.components import Source
from mlforge.contract import Contract, Expectation
from mlforge.errors import DataError, nearest
from mlforge.finding import Finding
from mlforge.lifecycle.rows.sketches import Quantiles, places
from mlforge.report.figures import number
from mlforge.runtime.casts import cleaned, stored, typed

__all__ = ["Expectations"]

_SHOWN = 20  # rows in the evidence
_READ = 131_072  # rows of a reference at a time


class _Measure(ABC):
    """One figure over one column. `rows` and `exceptions` count what it has seen, `places` where the first exceptions are."""

    def __init__(self) -> None:
        self.rows = 0
        self.exceptions = 0
        self.places: list[int] = []

    @abstractmethod
    def add(self, values: pl.Series, rows: pl.Series) -> None:
        """One more frame: the column, and the rows' positions in the source."""

    def figure(self) -> float | None:
        """The share of exceptions; None when there was nothing to measure."""
        return self.exceptions / self.rows if self.rows else None

    def _except(self, found: pl.Series, rows: pl.Series) -> None:
        self.exceptions += int(found.sum())
        if len(self.places) < _SHOWN:
            self.places += rows.filter(found).head(_SHOWN - len(self.places)).to_list()


class _Nulls(_Measure):
    def add(self, values: pl.Series, rows: pl.Series) -> None:
        self.rows += len(values)
        self.exceptions += values.null_count()


class _Mean(_Measure):
    total = 0.0

    def add(self, values: pl.Series, rows: pl.Series) -> None:
        self.rows += values.count()
        self.total += float(values.cast(pl.Float64).sum())

    def figure(self) -> float | None:
        return self.total / self.rows if self.rows else None


class _Quantile(_Measure):
    def __init__(self, at: float) -> None:
        super().__init__()
        self._at, self._sketch, self._frames = at, Quantiles(), 0

    def add(self, values: pl.Series, rows: pl.Series) -> None:
        taken = places(len(values), self._frames)
        self._sketch.add((values if taken is None else values.gather(taken)).drop_nulls(), values.count())
        self.rows += values.count()
        self._frames += 1

    def figure(self) -> float | None:
        return next(iter(self._sketch.at([self._at])), None)


class _Ordered(_Measure):
    """Exceptions are values that lie before their predecessor (after it, when they are to decrease)."""

    def __init__(self, *, down: bool) -> None:
        super().__init__()
        self._down = down
        self._last: Any = None

    def add(self, values: pl.Series, rows: pl.Series) -> None:
        there = values.is_not_null()
        values, rows = values.filter(there), rows.filter(there)
        if not len(values):
            return
        before = values.shift(1, fill_value=values[0] if self._last is None else self._last)
        self._except(values > before if self._down else values < before, rows)
        self.rows += len(values)
        self._last = values[-1]


class _Refers(_Measure):
    """Exceptions are values that the other table does not have."""

    def __init__(self, known: pl.Series) -> None:
        super().__init__()
        self._known = known.implode()

    def add(self, values: pl.Series, rows: pl.Series) -> None:
        self.rows += values.count()
        self._except(~values.is_in(self._known).fill_null(value=True), rows)


class Expectations:
    """The figures behind a contract's `expect`. Memory is constant, but for the distinct values of columns that are referred to."""

    def __init__(self, contract: Contract, references: Mapping[str, Source], hidden: Collection[str]) -> None:
        self._contract, self._hidden = contract, frozenset(hidden)
        self._measures = {name: _begun(name, expected, contract, references) for name, expected in contract.expect.items()}

    def add(self, rows: pl.DataFrame) -> None:
        """Rows that keep the contract, typed, not yet protected, with `ROW`."""
        for name, measure in self._measures.items():
            measure.add(rows[self._contract.expect[name].column], rows[ROW])

    def findings(self) -> Iterator[Finding]:
        """One for each expectation; broken ones are warnings, or critical where they are to stop the run."""
        for name, measure in self._measures.items():
            expected, figure = self._contract.expect[name], measure.figure()
            broken = figure is None or expected.broken(figure)
            severity = "info" if not broken else "warning" if expected.severity == "warning" else "critical"
            hidden = expected.column in self._hidden and expected.measure in ("mean", "quantile")
            text = f"{_words(self._contract.real_name(expected.column), expected)} {_told(expected, figure, hidden=hidden)}; expected {_bounds(expected)}"
            yield Finding(
                name=f"data/expect/{name}", value=None if hidden else figure, text=text, rows=measure.rows, severity=severity, subject="data",
                evidence={"rows": measure.places} if measure.places else {},
            )  # fmt: skip

    def judge(self, findings: Collection[Finding]) -> None:
        """Raise DataError when an expectation that is to stop the run is broken."""
        broken = [finding for finding in findings if finding.severity == "critical"]
        if broken:
            told = "; ".join(f"{finding.name.rpartition('/')[2]}: {finding.text}" for finding in broken[:5])
            more = f"; and {len(broken) - 5} more" if len(broken) > 5 else ""
            hint = "Mend the data or contract.expect; with severity: warning it is told and the run goes on."
            raise DataError(f"{len(broken)} expectation{'s' * (len(broken) > 1)} of contract.expect {_are(broken)} broken: {told}{more}", hint=hint)


def _are(found: Collection[Finding]) -> str:
    return "are" if len(found) > 1 else "is"


def _words(column: str, expected: Expectation) -> str:
    match expected.measure:
        case "nulls":
            return f"share of missing values of {column}"
        case "mean":
            return f"mean of {column}"
        case "quantile":
            return f"quantile {expected.at:g} of {column}"
        case "refers":
            return f"share of values of {column} that are not in {expected.to}"
        case _:
            return f"share of values of {column} that do not follow in {expected.measure} order"


def _told(expected: Expectation, figure: float | None, *, hidden: bool) -> str:
    if figure is None:
        return "cannot be told: there is no value"
    return ("is outside" if expected.broken(figure) else "is inside") + " (not shown: the column is protected)" if hidden else f"is {number(figure)}"


def _bounds(expected: Expectation) -> str:
    ordered = expected.measure in ("increasing", "decreasing", "refers")
    most = 0.0 if expected.max is None and ordered else expected.max
    parts = [f"at least {expected.min:g}" if expected.min is not None else "", f"at most {most:g}" if most is not None else ""]
    return " and ".join(filter(None, parts))


def _begun(name: str, expected: Expectation, contract: Contract, references: Mapping[str, Source]) -> _Measure:
    match expected.measure:
        case "nulls":
            return _Nulls()
        case "mean":
            return _Mean()
        case "quantile":
            assert expected.at is not None
            return _Quantile(expected.at)
        case "refers":
            assert expected.to is not None
            return _Refers(_known(name, expected, contract, references))
        case _:
            return _Ordered(down=expected.measure == "decreasing")


def _known(name: str, expected: Expectation, contract: Contract, references: Mapping[str, Source]) -> pl.Series:
    """The distinct values of the column that is referred to, read as the contract reads its own."""
    entry, _, there = str(expected.to).partition(".")
    column = contract.columns[expected.column]
    found: pl.Series | None = None
    for frame in references[entry].batches(_READ):
        if there not in frame.columns:
            raise DataError(f"contract.expect.{name}.to: {entry} has no column {there!r}", hint=nearest(there, frame.columns))
        raw = frame.schema[there]
        cell = cleaned(there, raw, column.dtype, contract.nulls)
        values = frame.select(typed(cell, raw, column).alias(there)).to_series().drop_nulls().unique()
        found = values if found is None else pl.concat([found, values]).unique()
    return found if found is not None else pl.Series([], dtype=stored(column, pl.String()))
