"""The split by time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar, Literal, Self

from pydantic import Field, model_validator

from mlforge.components import Objection, Splitter
from mlforge.errors import DataError, nearest
from mlforge.units import Duration, Moment, Share

if TYPE_CHECKING:
    import polars as pl

    from mlforge.contract import Contract

__all__ = ["Time"]

_STRETCHES = 10


class Time(Splitter):
    """The past to train on, the latest rows to judge by: as the model will be used.

    Rows of the same time are in the same part. With shares, both cuts move on as newer rows come in; with `validation_from` and `test_from` they stay, and no
    row ever changes its part. Rows within `gap` before a cut belong to no part: for targets that are known only some time later, and features that look back.
    Where the newest rows matter most, `steering: spread` lets them be learned from: ten stretches of the time before the test rows steer the training instead.
    """

    libraries: ClassVar[tuple[str, ...]] = ("polars",)

    by: Literal["column", "rows"] = Field(default="column", description="column: a column's times; rows: the order of the source, where the data has no time")
    column: str | None = Field(default=None, description="key of the column of times or numbers to go by; the one with the role time when none is named")
    validation: Share = Field(default=0.15, gt=0, lt=1, description="share of rows by which training is steered: those before the test rows")
    test: Share = Field(default=0.15, gt=0, lt=1, description="share of rows by which the model is judged: the latest")
    steering: Literal["latest", "spread"] = Field(
        default="latest", description="which rows are for validation: the latest before the test rows, or ten stretches spread over all that are before them"
    )
    validation_from: Moment | None = Field(
        default=None, description="first time of validation, such as 2024-01-01, instead of shares; UTC where no zone is given"
    )
    test_from: Moment | None = Field(default=None, description="first time of test, instead of shares")
    gap: Duration | None = Field(default=None, description="how long before each cut rows are left out, such as 7d; for numbers and rows, how many")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.validation + self.test >= 1:
            raise ValueError("validation and test leave no rows for training")
        if (self.validation_from is None) != (self.test_from is None):
            raise ValueError("validation_from and test_from go together")
        if self.validation_from and self.test_from and _plain(self.validation_from) >= _plain(self.test_from):
            raise ValueError("validation_from must be before test_from")
        if self.steering == "spread" and (self.validation_from or self.gap):
            raise ValueError("steering: spread goes by shares, and knows neither validation_from nor gap")
        if self.by == "rows" and (self.column or self.test_from):
            raise ValueError("by: rows goes by the order of the source, and knows neither a column nor times")
        return self

    def objections(self, contract: Contract) -> Iterator[Objection]:
        """There must be one column of times, and it must have a value in each row."""
        if self.by == "rows":
            return
        key = self._key(contract)
        if key is None:
            number = len(contract.having("time"))
            hint = "Give it the role: contract.columns.NAME.role=time; or go by the order of the source: split.by=rows"
            yield Objection("", f"the contract has {number or 'no'} columns with the role time", "one, or `column` to name it", hint)
        elif (column := contract.columns.get(key)) is None:
            yield Objection("column", f"the contract has no column {key}", f"one of {', '.join(list(contract.columns)[:8])}", nearest(key, contract.columns))
        elif column.role == "ignore":
            yield Objection("column", f"{key} has the role ignore: it is not read", "a column that is read", f"contract.columns.{key}.role=time")
        elif column.dtype not in (("datetime",) if self.test_from else ("datetime", "int", "float")):
            yield Objection("column", f"{key} is of type {column.dtype}", "datetime" if self.test_from else "datetime, int or float", "")
        elif column.nullable:
            yield Objection(
                "column", f"{key} may be missing", "a time for each row", f"contract.columns.{key}.nullable=false sends rows without one to quarantine."
            )

    def _key(self, contract: Contract) -> str | None:
        named = contract.having("time")
        return self.column or (named[0] if len(named) == 1 else None)

    def assign(self, rows: pl.LazyFrame, contract: Contract, seed: int) -> pl.LazyFrame:
        """By two cuts in time."""
        import polars as pl

        from mlforge.artifact import ROW, UNUSED

        key = ROW if self.by == "rows" else self._key(contract)
        assert key is not None, "the recipe's check asks for a column"
        time = pl.col(key).dt.epoch("us") if rows.collect_schema()[key].is_temporal() else pl.col(key)
        unit = 1_000_000 if rows.collect_schema()[key].is_temporal() else 1
        if self.steering == "spread":
            ordered, second = self._last(rows.select(time.alias("time")), key)
            early = pl.when(_within(time, self._stretches(ordered))).then(pl.lit("validation")).otherwise(pl.lit("train"))
            return rows.select(ROW, pl.when(time >= second).then(pl.lit("test")).otherwise(early).alias("part"))
        first, second = self._cuts(rows.select(time.alias("time")), key)
        gap = (self.gap or 0) * unit
        late = pl.when(time >= second).then(pl.lit("test")).when(time >= second - gap).then(pl.lit(UNUSED))
        part = late.when(time >= first).then(pl.lit("validation")).when(time >= first - gap).then(pl.lit(UNUSED)).otherwise(pl.lit("train"))
        return rows.select(ROW, part.alias("part"))

    def _last(self, times: pl.LazyFrame, key: str) -> tuple[pl.Series, float]:
        """The times before the test rows, in order, and the first of test."""
        ordered = times.collect()["time"].sort()
        count = len(ordered)
        if count < 2 or not ordered[0] < (first := ordered[min(count - 1, round(count * (1 - self.test)))]):
            raise DataError(f"split: there are too few rows, or too many with the same {key}, to cut by it", hint="Look at the source.")
        return ordered.filter(ordered < first), first

    def _stretches(self, ordered: pl.Series) -> list[tuple[float, float]]:
        """From when to when (not included) rows are for validation: the middle of each tenth of those before the test rows, as much as the share asks for."""
        count = len(ordered)
        tenth, share = count / _STRETCHES, min(self.validation / (1 - self.test), 0.9)
        places = [round(tenth * (nth + (1 + side * share) / 2)) for nth in range(_STRETCHES) for side in (-1, 1)]
        times = [ordered[min(place, count - 1)] for place in places]
        return [(begin, end) for begin, end in zip(times[::2], times[1::2], strict=True) if begin < end]

    def _cuts(self, times: pl.LazyFrame, key: str) -> tuple[float, float]:
        """The first time of validation, and of test."""
        if self.validation_from and self.test_from:
            return _microseconds(self.validation_from), _microseconds(self.test_from)
        ordered = times.collect()["time"].sort()
        if ordered.is_empty():
            raise DataError("split: there are no rows to cut in time", hint="Look at the source, and at what the contract has rejected.")
        count = len(ordered)
        places = (min(count - 1, round(count * (1 - self.validation - self.test))), min(count - 1, round(count * (1 - self.test))))
        first, second = (ordered[place] for place in places)
        if not ordered[0] < first < second:
            raise DataError(f"split: too many rows have the same {key} to cut by it", hint="Name the cuts: split.validation_from=…, split.test_from=…")
        return first, second


def _within(time: pl.Expr, stretches: list[tuple[float, float]]) -> pl.Expr:
    import polars as pl

    return pl.any_horizontal((time >= begin) & (time < end) for begin, end in stretches) if stretches else pl.lit(value=False)


def _plain(time: datetime) -> datetime:
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _microseconds(time: datetime) -> int:
    since = _plain(time) - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
