"""Cron expressions: when something is due, in the local time of a zone, with its changes of the clock.

    Cron.parse("30 2 * * mon", "Europe/Berlin").between(since, until)

A time that the clock leaves out in spring is due when it has been put forward; one that comes twice in autumn is due once, unless the expression is due in
every hour: then it is due in each hour that passes.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Annotated, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field

from mlforge.errors import nearest

__all__ = ["Cron", "CronText", "ZoneName", "zone"]

_MACROS = {
    "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0", "@daily": "0 0 * * *", "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}  # fmt: skip
_MONTHS = {name.lower(): number for number, name in enumerate(calendar.month_abbr) if name}
_DAYS = {name: number for number, name in enumerate(("sun", "mon", "tue", "wed", "thu", "fri", "sat"))}
_PARTS: tuple[tuple[str, int, int, Mapping[str, int]], ...] = (
    ("minute", 0, 59, {}), ("hour", 0, 23, {}), ("day of the month", 1, 31, {}), ("month", 1, 12, _MONTHS), ("day of the week", 0, 7, _DAYS),
)  # fmt: skip
_SHAPE = "minute hour day-of-month month day-of-week, such as '0 3 * * mon'"
_CYCLE = 400 * 366  # days after which the calendar begins again: what is not due in them never is
_ITEM = re.compile(r"(?P<first>\*|\w+)(?:-(?P<last>\w+))?(?:/(?P<step>\d+))?")


@dataclass(frozen=True)
class Cron:
    """A cron expression of five fields, in one zone."""

    text: str
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]  # 0 is Sunday
    either: bool  # both kinds of days are restricted: a day of either is due, as cron has it
    zone: tzinfo = UTC

    @classmethod
    def parse(cls, text: str, in_zone: str = "UTC") -> Self:
        """ValueError, in words, for what is none, for one that never comes, and for an unknown zone."""
        fields = _MACROS.get(text.strip().lower(), text).split()
        if len(fields) != len(_PARTS):
            told = f"{len(fields)} field{'s' * (len(fields) != 1)}"
            raise ValueError(f"{text!r} has {told}, and a cron expression has 5: {_SHAPE}, or one of {', '.join(_MACROS)}")
        minutes, hours, days, months, weekdays = (_values(field, *part) for field, part in zip(fields, _PARTS, strict=True))
        either = not fields[2].startswith("*") and not fields[4].startswith("*")
        made = cls(text, tuple(sorted(minutes)), tuple(sorted(hours)), days, months, frozenset(day % 7 for day in weekdays), either, zone(in_zone))
        if made._first_day(date(2000, 1, 1), date(2000, 1, 1) + timedelta(days=_CYCLE)) is None:
            raise ValueError(f"{text!r} never comes: no year has such a day")
        return made

    def between(self, since: datetime, until: datetime) -> Iterator[datetime]:
        """Every time after `since` up to `until`, which may be it, in UTC; both have a zone."""
        before = None
        for day in _days(since.astimezone(self.zone).date(), until.astimezone(self.zone).date()):
            if self._on(day):
                for moment in self._of(day):
                    if since < moment <= until and moment != before:
                        before = moment
                        yield moment

    def next(self, since: datetime) -> datetime:
        """The first time after `since`, in UTC."""
        start = since.astimezone(self.zone).date()
        for day in _days(start, start + timedelta(days=_CYCLE)):
            if self._on(day):
                for moment in self._of(day):
                    if moment > since:
                        return moment
        raise AssertionError("parse has seen that it comes")

    def last(self, until: datetime, since: datetime) -> datetime | None:
        """The last time up to `until` that is after `since`, in UTC; None when there is none."""
        day, end = until.astimezone(self.zone).date(), since.astimezone(self.zone).date()
        while day >= end:
            if self._on(day) and (found := [moment for moment in self._of(day) if since < moment <= until]):
                return found[-1]
            day -= timedelta(days=1)
        return None

    def _first_day(self, start: date, end: date) -> date | None:
        return next((day for day in _days(start, end) if self._on(day)), None)

    def _on(self, day: date) -> bool:
        if day.month not in self.months:
            return False
        by_date, by_week = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return by_date or by_week if self.either else by_date and by_week

    def _of(self, day: date) -> list[datetime]:
        """The times of one day."""
        every = len(self.hours) == 24
        walls = [datetime(day.year, day.month, day.day, hour, minute, tzinfo=self.zone) for hour in self.hours for minute in self.minutes]
        found = {moment.astimezone(UTC) for moment in walls}
        if every:
            found |= {moment.replace(fold=1).astimezone(UTC) for moment in walls if _twice(moment)}
        return sorted(found)


def _twice(moment: datetime) -> bool:
    """Does this time of the day come twice. (One that does not come at all has two offsets too, the other way round.)"""
    first, second = moment.utcoffset(), moment.replace(fold=1).utcoffset()
    return first is not None and second is not None and first > second


def _days(start: date, end: date) -> Iterator[date]:
    while start <= end:
        yield start
        start += timedelta(days=1)


def _values(field: str, what: str, low: int, high: int, names: Mapping[str, int]) -> frozenset[int]:
    found: set[int] = set()
    for item in field.lower().split(","):
        match = _ITEM.fullmatch(item)
        if match is None:
            raise ValueError(f"{field!r} says no {what}; *, 5, 1-5, */15 or a list of them with commas was expected")
        first = low if match["first"] == "*" else _number(match["first"], what, low, high, names)
        whole = match["first"] == "*" or (match["step"] is not None and match["last"] is None)
        last = _number(match["last"], what, low, high, names) if match["last"] else high if whole else first
        step = int(match["step"] or 1)
        if not step or first > last:
            raise ValueError(f"{item!r} says no {what}: {'a step is at least 1' if not step else f'{first} is after {last}'}")
        found |= set(range(first, last + 1, step))
    return frozenset(found)


def _number(text: str, what: str, low: int, high: int, names: Mapping[str, int]) -> int:
    number = names.get(text, int(text) if text.isdigit() else None)
    if number is None or not low <= number <= high:
        words = f", or {', '.join(names)}" if names else ""
        hint = nearest(text, names)
        raise ValueError(f"{text!r} is no {what}; {low} to {high} was expected{words}" + (f". {hint}" if hint else ""))
    return number


def zone(name: str) -> tzinfo:
    """A time zone by its name. ValueError when there is none."""
    if name.upper() == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        from zoneinfo import available_timezones

        hint = nearest(name, available_timezones())
        raise ValueError(f"{name!r} is no time zone; a name such as UTC or Europe/Berlin was expected" + (f". {hint}" if hint else "")) from None


def _due(text: str) -> str:
    Cron.parse(text)
    return text


def _known(name: str) -> str:
    zone(name)
    return name


CronText = Annotated[str, AfterValidator(_due), Field(max_length=200, examples=["0 3 * * *", "30 2 * * mon", "@daily"])]
"""When: minute, hour, day of the month, month and day of the week."""

ZoneName = Annotated[str, AfterValidator(_known), Field(max_length=60, examples=["UTC", "Europe/Berlin"])]
"""A time zone."""
