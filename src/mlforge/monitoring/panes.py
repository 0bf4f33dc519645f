"""Cutting rows into windows, by time or by number, tumbling or sliding, for each group, in whatever order they come.

Rows are summarised by *panes*, the stretches between two beginnings or ends of windows; a window is a few panes merged. So a row is looked at once although
it is in several windows, a row that comes late joins the pane it belongs to, and memory grows with the panes and not with the rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import polars as pl

from mlforge.alarm import Windowing
from mlforge.contract import Contract
from mlforge.errors import RecipeError
from mlforge.finding import Finding
from mlforge.monitoring.intake import Live
from mlforge.monitoring.monitor_set import Watched
from mlforge.runtime.predictor import Predictor
from mlforge.task import Task
from mlforge.window import TIME, Profile, Window

__all__ = ["Pane", "Panes", "Seen"]

_WEEK = 4 * 86_400  # 1970 began on a Thursday; weeks begin on Mondays
_REASONS = 20
_EMPTY = 400  # windows without a row that are told of, one after the other
_INDEX = "__pane__"


@dataclass
class Seen:
    """What was seen of one pane."""

    rows: int = 0
    labels: int = 0
    rejected: int = 0
    profiles: dict[str, Profile] = field(default_factory=dict)  # by entry of the monitors
    said: dict[str, tuple[Finding, ...]] = field(default_factory=dict)  # of the window that ends here, by monitors whose profiles are not kept

    def add(self, other: Seen, watched: tuple[Watched, ...]) -> None:
        """Rows of the same pane, or of the next."""
        self.rows, self.labels, self.rejected = self.rows + other.rows, self.labels + other.labels, self.rejected + other.rejected
        self.said = other.said or self.said
        for one in watched:
            mine, theirs = self.profiles.get(one.entry, Profile()), other.profiles.get(one.entry, Profile())
            self.profiles[one.entry] = one.monitor.merge(mine, theirs) if mine.tables and theirs.tables else mine if mine.tables else theirs


@dataclass(frozen=True, slots=True, order=True)
class Pane:
    """Where a pane is: its group, and its number from 1970, or from the first row."""

    group: str
    number: int


class Panes:
    """The panes of one kind of windows. Without a model, they are only put together of what others have seen."""

    def __init__(self, windowing: Windowing | None, watched: tuple[Watched, ...], contract: Contract, task: Task, model: Predictor | None = None) -> None:
        self.windowing = windowing  # None: all rows are one window
        self.watched = watched
        self.seen: dict[Pane, Seen] = {}
        self.untimed = 0  # rows that have no time, and so are in no window
        self._contract, self._task, self._model = contract, task, model
        self._rows: dict[str, int] = {}
        self.step = 0.0 if windowing is None else float(_common(windowing.length, windowing.every))

    def add(self, live: Live) -> None:
        """Summarise rows, each in its pane."""
        index = self._index(live)
        for (group, number), places in index.group_by(["group", _INDEX], maintain_order=True):
            at = Pane(str(group), int(str(number)))
            chosen = None if places.height == live.rows.height else places["place"]
            self.seen.setdefault(at, Seen()).add(self._summarised(at, live, chosen), self.watched)

    @property
    def wide(self) -> int:
        """How many panes a window has."""
        return 1 if self.windowing is None else round(self.windowing.length / self.step)

    def windows(self) -> Iterator[tuple[str, int, range]]:
        """Group, number of the first pane and the panes of every window with rows, in their order; those of a group one after the other."""
        wide = self.wide
        stride = 1 if self.windowing is None else round(self.windowing.every / self.step)
        for group in sorted({pane.group for pane in self.seen}):
            numbers = sorted(pane.number for pane in self.seen if pane.group == group)
            starts = sorted({start for number in numbers for start in _starts(number, wide, stride)})
            for place, start in enumerate(starts):
                yield group, start, range(start, start + wide)
                if self.windowing is not None and self.windowing.by == "time":  # windows without a row are windows too
                    following = starts[place + 1] if place + 1 < len(starts) else start
                    yield from ((group, empty, range(empty, empty + wide)) for empty in range(start + stride, following, stride)[:_EMPTY])

    def span(self, panes: range) -> tuple[datetime, datetime] | None:
        """From when to when panes reach; None for windows that are not by time."""
        if self.windowing is None or self.windowing.by == "rows":
            return None
        offset = self._offset
        begin, end = (datetime.fromtimestamp(0, UTC) + timedelta(seconds=number * self.step + offset) for number in (panes.start, panes.stop))
        return begin, end

    def number(self, seconds: float) -> int:
        """The pane of a moment, in seconds since 1970; of windows by time."""
        return int((seconds - self._offset) // self.step)

    @property
    def _offset(self) -> int:
        return _WEEK if self.windowing is not None and self.windowing.length % (7 * 86_400) == 0 else 0

    def _index(self, live: Live) -> pl.DataFrame:
        """For each row its group, pane and place."""
        groups = live.groups if live.groups is not None else pl.repeat("", live.rows.height, eager=True)
        table = pl.DataFrame({"group": groups, "place": pl.int_range(live.rows.height, eager=True)})
        if self.windowing is None:
            return table.with_columns(pl.lit(0).alias(_INDEX))
        if self.windowing.by == "rows":
            before = table["group"].replace_strict(self._rows, default=0, return_dtype=pl.Int64) if self._rows else pl.lit(0)
            table = table.with_columns(pl.int_range(pl.len()).over("group").alias("nth")).with_columns(
                ((pl.col("nth") + before) // round(self.step)).alias(_INDEX)
            )
            for group, count in table.group_by("group").len().iter_rows():
                self._rows[group] = self._rows.get(group, 0) + count
            return table
        if TIME not in live.rows.columns:
            raise RecipeError(
                f"{self.windowing.text} need the time of each row, and the rows have none",
                hint="Name its column with --time COLUMN, or look at windows by number: --window '1000 rows'.",
            )
        micros = round(self.step * 1e6)
        numbers = (live.rows[TIME].dt.epoch("us") - self._offset * 1_000_000) // micros
        placed = table.with_columns(numbers.alias(_INDEX)).drop_nulls(_INDEX)
        self.untimed += table.height - placed.height
        return placed

    def _summarised(self, at: Pane, live: Live, places: pl.Series | None) -> Seen:
        """Of the rows at these places, or of all."""
        assert self._model is not None, "panes that rows are added to know the model"
        output = self._model.bundle.output
        rows, predictions, broken = live.rows, live.predictions, live.reasons
        if places is not None:
            rows, predictions, broken = rows[places], None if predictions is None else predictions[places], broken[places]
        broken = broken.drop_nulls()
        counts = broken.value_counts(name="count").sort("count", "reason", descending=[True, False])
        rejected = dict(counts.head(_REASONS).iter_rows())
        if len(broken) > sum(rejected.values()):
            rejected["other reasons"] = len(broken) - sum(rejected.values())
        span = self.span(range(at.number, at.number + 1))
        window = Window("live", rows, self._contract, self._task, output, predictions, self._model.score, rejected=rejected, span=span)
        labels = rows[output.target].count() if output.target in rows.columns else 0
        profiles = {one.entry: one.monitor.summarise(replace(window, reference=one.reference)) for one in self.watched}
        return Seen(rows.height, labels, len(broken), profiles)


def _common(length: float, every: float) -> Fraction:
    """The longest step of which both are multiples."""
    one, other = Fraction(length).limit_denominator(1000), Fraction(every).limit_denominator(1000)
    while other:
        one, other = other, one % other
    return one


def _starts(number: int, wide: int, stride: int) -> range:
    """The first panes of the windows that a pane is in."""
    last = number // stride * stride
    first = (number - wide) // stride * stride + stride
    return range(first, last + 1, stride)
