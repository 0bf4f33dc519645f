"""Monitors a model's request log as `mlforge monitor` does: windows are judged and stored, alerts opened and closed, notifications sent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from mlforge.service.layout import FEEDBACK, ID, LANE, REQUESTS, ROW, TIME
from mlforge.service.reading import Log
from mlforge.store import KeptAlert, Store, Version

if TYPE_CHECKING:
    import polars as pl

    from mlforge.monitoring.delivery import Delivery
    from mlforge.monitoring.looking import Look
    from mlforge.plugins import Catalog, Hooks
    from mlforge.project import Project

__all__ = ["LookResult", "Looker"]

_BACK = timedelta(days=35)  # rows that are older are not looked at again; labels that come later are not back-filled
_DAY = timedelta(days=1)
_STILL = timedelta(minutes=65)  # when no row comes any more, a window is over so long after its end: a clock that jumps by an hour ends none
_MONDAY = datetime.fromisoformat("1970-01-05T00:00:00+00:00")


@dataclass(frozen=True)
class LookResult:
    """What a look found."""

    windows: int = 0  # that alarmed
    alerts: tuple[KeptAlert, ...] = ()  # that are not over
    sent: tuple[Delivery, ...] = ()


@dataclass
class Looker:
    """Looks at the log of one model whenever there is something new in it, or a window has come to its end."""

    store: Store
    project: Project
    catalog: Catalog
    hooks: Hooks
    log: Log
    late: float = 5.0  # seconds after which a row is in the log
    _before: object = None
    _next: datetime | None = None
    _newest: datetime | None = None  # row that was seen
    _verified: tuple[str, Path] | None = None  # a bundle and its folder

    def look(self, version: Version, now: datetime) -> LookResult | None:
        """None when there is nothing new. Raises RecipeError when the version has no reference, and what reading raises."""
        files = (version.version, tuple(self.log.files(REQUESTS, version.version)), tuple(self.log.files(FEEDBACK)))
        if files == self._before and (self._next is None or now < self._next):
            return None
        looks = [self._finished(one, now) for one in self._looks(version, now)]
        seen = self._told(version, [one for one in looks if one.windows])
        self._before = files
        return seen

    def _looks(self, version: Version, now: datetime) -> Iterator[Look]:
        from mlforge.monitoring.intake import Intake
        from mlforge.monitoring.looking import look
        from mlforge.monitoring.monitor_set import MonitorSet, reference_of
        from mlforge.runtime.predictor import Predictor

        monitor_set = MonitorSet.open(reference_of(self.store, version), self.catalog)
        predictor = Predictor.open(self._folder(version))
        self._next = self._newest = None
        intake = Intake(predictor, monitor_set.contract, asks=monitor_set.asks)
        yield from look(monitor_set, predictor, self._frames(version, now), intake, store=self.store, version=version)

    def _folder(self, version: Version) -> Path:
        """Its bundle, verified when it is first looked for."""
        if self._verified is None or self._verified[0] != version.bundle:
            self._verified = (version.bundle, self.store.vouched.folder(version))
        return self._verified[1]

    def _frames(self, version: Version, now: datetime) -> Iterator[pl.DataFrame]:
        """Rows with their labels, day by day, from a Monday on, so that no window is begun in its midst."""
        import polars as pl

        weeks = (now - _BACK - _MONDAY) // timedelta(days=7)
        begin = _MONDAY + weeks * timedelta(days=7)
        labels = self.log.labels(since=begin).drop(TIME).collect()
        while begin <= now:
            since, begin = begin, begin + _DAY
            rows = self.log.requests(version=version.version, since=since, until=begin)
            rows = rows.filter(pl.col(LANE) != "shadow") if LANE in rows.collect_schema().names() else rows
            frame = rows.collect()
            if frame.height:
                last = frame[TIME].max()
                self._newest = last.replace(tzinfo=UTC) if isinstance(last, datetime) else self._newest
                yield frame.join(labels, on=[ID, ROW], how="left", maintain_order="left")

    def _finished(self, one: Look, now: datetime) -> Look:
        """Without the windows that have not come to their end: half a day has half of its rows.

        A window is over when a row after it is in the log, and all of its own are; or long after its end by the clock, which may be wrong.
        """
        late = timedelta(seconds=self.late)
        seen = now - _STILL if self._newest is None else max(min(self._newest, now - late), now - _STILL)
        ahead = [window.span[1] for window in one.windows if window.span is not None and window.span[1] > seen]
        if ahead:
            first = min(ahead) + (late if min(ahead) + late > now else _STILL)
            self._next = first if self._next is None else min(first, self._next)
        return replace(one, windows=tuple(window for window in one.windows if window.span is None or window.span[1] <= seen))

    def _told(self, version: Version, looks: list[Look]) -> LookResult:
        from mlforge.monitoring.notifying import Notifier

        kept, sent = Notifier(self.project, self.catalog, self.hooks).notify(looks, self.store, version)
        alarms = sum(1 for look in looks for window in look.windows if window.alarms)
        return LookResult(alarms, tuple(one for one in kept if one.state != "over"), tuple(sent))
