"""The monitor traffic."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import ClassVar

from pydantic import Field

from mlforge.components import Monitor, Objection
from mlforge.contract import Contract
from mlforge.finding import Finding
from mlforge.task import Task
from mlforge.units import Duration
from mlforge.window import TIME, Profile, Window

__all__ = ["Traffic"]

_ROWS, _MOMENTS = "rows", "moments"
_STEPS = 1440  # in which a window is looked at for gaps: minutes of a day


class Traffic(Monitor):
    """How many rows came, and for how long none did: volume and staleness.

    It alarms beyond the bounds that are declared, in windows without any row as well; without bounds it only measures. Times are in UTC: a change of the clock
    is no gap.
    """

    counts: ClassVar[bool] = True
    libraries: ClassVar[tuple[str, ...]] = ("polars", "numpy")

    fewest: int | None = Field(default=None, ge=1, description="rows that a window must have")
    most: int | None = Field(default=None, ge=1, description="rows that a window may have")
    longest_gap: Duration | None = Field(default=None, description="longest time without a row")

    def objections(self, contract: Contract) -> Iterable[Objection]:
        """Bounds that no window keeps, or that are finer than what is looked at."""
        if self.fewest is not None and self.most is not None and self.fewest > self.most:
            yield Objection("fewest", f"{self.fewest} is more than `most`, {self.most}", "no window keeps both")
        if self.longest_gap is not None and self.windowing.by == "rows":
            yield Objection("longest_gap", f"{self.windowing.text} have no length in time", "windows by time, such as daily")
        elif self.longest_gap is not None and self.longest_gap < 2 * self._step:
            yield Objection("longest_gap", f"{self.longest_gap:g} s", f"at least {2 * self._step:g} s for {self.windowing.text}", "Take shorter windows.")

    @property
    def _step(self) -> float:
        return max(self.windowing.length / _STEPS, 1.0) if self.windowing.by == "time" else 1.0

    def declares(self, contract: Contract, task: Task) -> Iterable[str]:
        """Rows, and the longest gap."""
        return ("traffic/rows", "traffic/longest_gap")

    def summarise(self, window: Window) -> Profile:
        """How many rows, and in which steps of time there were any."""
        import polars as pl

        tables = {_ROWS: pl.DataFrame({"count": [window.rows.height]})}
        if TIME in window.rows.columns and self.windowing.by == "time":
            steps = (window.rows[TIME].drop_nulls().dt.epoch("ms") // round(self._step * 1000)).unique().sort()
            tables[_MOMENTS] = pl.DataFrame({"step": steps.cast(pl.Int64)})
        return Profile(tables)

    def merge(self, one: Profile, other: Profile) -> Profile:
        """Both."""
        import polars as pl

        if not one.tables or not other.tables:
            return one if one.tables else other
        tables = {_ROWS: pl.concat([one.tables[_ROWS], other.tables[_ROWS]]).sum()}
        steps = [part.tables[_MOMENTS] for part in (one, other) if _MOMENTS in part.tables]
        return Profile(tables | ({_MOMENTS: pl.concat(steps).unique().sort("step")} if steps else {}))

    def findings(self, profile: Profile, reference: Profile | None) -> Iterable[Finding]:
        """Held against what is declared."""
        rows = int(profile.tables[_ROWS]["count"][0]) if profile.tables else 0
        short = self.fewest is not None and rows < self.fewest
        many = self.most is not None and rows > self.most
        text = f"{rows:,} rows" + (f", and at least {self.fewest:,} were expected" if short else f", and at most {self.most:,} were expected" if many else "")
        yield Finding(name="traffic/rows", value=rows, unit="rows", text=text, rows=rows, severity="warning" if short or many else "info")
        steps = profile.tables[_MOMENTS]["step"] if _MOMENTS in profile.tables else None
        if steps is None or not len(steps):
            text = "no row has a time"
            alarm = self.longest_gap is not None and not rows and self.longest_gap <= self.windowing.length
            yield Finding(name="traffic/longest_gap", value=None, unit="s", text=text, rows=rows, severity="warning" if alarm else "info")
            return
        gap = self._gap([int(step) for step in steps])
        alarm = self.longest_gap is not None and gap > self.longest_gap
        yield Finding(name="traffic/longest_gap", value=gap, unit="s", text=f"no row came for {gap:,.0f} s", rows=rows, severity="warning" if alarm else "info")

    def _gap(self, steps: list[int]) -> float:
        """Between two steps with rows: at least so long was there none."""
        inner = max((later - earlier - 1 for earlier, later in pairwise(steps)), default=0)
        return inner * self._step
