"""The check freshness."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import ClassVar, Self

from pydantic import Field, model_validator

from mlforge.components import Probe
from mlforge.contract import Contract
from mlforge.finding import Finding
from mlforge.task import Task
from mlforge.units import Duration
from mlforge.window import Profile, Window

__all__ = ["Freshness"]

_DAY = 86_400


class Freshness(Probe):
    """How old the newest row is, by each column of role time.

    `freshness/age` is the age of the newest row of the column that is behind most. It is measured when the rows are inspected: a stage that is reused does not
    look at the clock again. A newest row that lies in the future has a negative age.
    """

    libraries: ClassVar[tuple[str, ...]] = ("polars",)

    max_age: Duration | None = Field(default=None, description="age from which the data deserves a look, such as '7 d'; null: any age is fine")
    now: str | None = Field(default=None, description="the time to count from, in ISO 8601; null: the clock")

    @model_validator(mode="after")
    def _now_is_a_time(self) -> Self:
        if self.now is not None:
            try:
                datetime.fromisoformat(self.now)
            except ValueError:
                raise ValueError(f"now {self.now!r} is no time in ISO 8601, such as 2026-11-22T18:00") from None
        return self

    def declares(self, contract: Contract, task: Task) -> Iterable[str]:
        """One finding, where there is a time."""
        return ("freshness/age",) if _columns(contract) else ()

    def summarise(self, window: Window) -> Profile:
        """The newest time of each column: a sketch."""
        import polars as pl

        keys = [key for key in _columns(window.contract) if key in window.rows.columns]
        if not keys:
            return Profile()
        newest = [window.rows[key].max() for key in keys]
        return Profile({"newest": pl.DataFrame({"column": keys, "newest": newest}, schema={"column": pl.String, "newest": pl.Datetime("us")}).sort("column")})

    def merge(self, one: Profile, other: Profile) -> Profile:
        """The newer of both."""
        import polars as pl

        tables = [profile.tables["newest"] for profile in (one, other) if "newest" in profile.tables]
        return Profile({"newest": pl.concat(tables).group_by("column").agg(pl.col("newest").max()).sort("column")}) if tables else Profile()

    def findings(self, profile: Profile, reference: Profile | None) -> Iterable[Finding]:
        """The age of the column that is behind most."""
        table = profile.tables.get("newest")
        known = table.drop_nulls().sort("newest", "column") if table is not None else None
        if known is None or not known.height:
            return
        column, newest = known.row(0)
        age = (self._clock() - newest).total_seconds()
        late = self.max_age is not None and age > self.max_age
        told = f"{age / _DAY:,.1f} days old" if age >= 0 else "in the future"
        text = f"the newest {column} is {newest:%Y-%m-%d %H:%M} UTC, {told}" + (
            f", and {self.max_age / _DAY:g} days are allowed" if late and self.max_age else ""
        )
        evidence = {"newest": {key: time.isoformat() for key, time in known.iter_rows()}}
        severity = "warning" if late or age < 0 else "info"
        yield Finding(name="freshness/age", value=age, unit="s", text=text, better="lower", severity=severity, volatile=True, evidence=evidence)

    def _clock(self) -> datetime:
        """The time to count from, in UTC and without a zone, as times are kept."""
        now = datetime.fromisoformat(self.now) if self.now is not None else datetime.now(UTC)
        return now.astimezone(UTC).replace(tzinfo=None) if now.tzinfo else now


def _columns(contract: Contract) -> tuple[str, ...]:
    return tuple(key for key in contract.having("time") if contract.columns[key].dtype == "datetime")
