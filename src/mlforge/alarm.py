"""What a monitor promises: how often it may alarm without cause, what it must see, and over which windows it looks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field

__all__ = ["AlarmRate", "Detect", "Detection", "Rate", "Windowing", "Windows", "chance"]

_HOUR = 3600.0
_LENGTHS = {"hour": _HOUR, "day": 24 * _HOUR, "week": 168 * _HOUR, "month": 365.2425 / 12 * 24 * _HOUR, "year": 365.2425 * 24 * _HOUR}
_NAMED = {"hourly": "hour", "daily": "day", "weekly": "week"}
_UNITS = {"s": 1.0, "m": 60.0, "min": 60.0, "h": _HOUR, "d": 24 * _HOUR, "w": 168 * _HOUR, **{name: _LENGTHS[name] for name in ("hour", "day", "week")}}
_RATE = r"^\s*(?P<count>\d+(\.\d+)?(e-\d+)?)\s*/\s*((?P<unit>" + "|".join(_LENGTHS) + r")|(?P<windows>\d+)\s*windows)\s*$"
_DETECT = r"^\s*(?P<size>\d+(\.\d+)?)\s*sd\s+within\s+(?P<rows>\d[\d_,]*)\s+rows\s*$"
_SPAN = r"(?:" + "|".join(_NAMED) + r"|(?:\d+(?:\.\d+)?)\s*(?:" + "|".join(_UNITS) + r")|" + "|".join(("hour", "day", "week")) + r"|\d[\d_,]*\s+rows)"
_WINDOWS = rf"^\s*(?P<span>{_SPAN})(?:\s+every\s+(?P<every>{_SPAN}))?\s*$"


@dataclass(frozen=True, slots=True)
class Rate:
    """How many false alarms are allowed in which time, or in how many windows."""

    count: float
    seconds: float | None  # None: counted by windows
    windows: int | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """ "1/month", "2/year", "1/30 windows"; ValueError for what is none."""
        found = re.match(_RATE, text)
        if found is None or not float(found["count"]):
            raise ValueError(f"{text!r} is no rate; write it as 1/month, 2/year or 1/30 windows (units: {', '.join(_LENGTHS)})")
        if found["windows"]:
            return cls(float(found["count"]), None, max(1, int(found["windows"])))
        return cls(float(found["count"]), _LENGTHS[found["unit"]])

    def shared(self, among: int) -> str:
        """What is left to each of several groups, as it is written."""
        count = f"{self.count / among:.12g}"
        if self.seconds is None:
            return f"{count}/{self.windows} windows"
        return f"{count}/{next(unit for unit, seconds in _LENGTHS.items() if seconds == self.seconds)}"


@dataclass(frozen=True, slots=True)
class Detection:
    """A shift that must be seen, and within how many rows."""

    size: float  # standard deviations of the reference
    rows: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """ "0.25sd within 1000 rows"; ValueError for what is none."""
        found = re.match(_DETECT, text)
        if found is None or not float(found["size"]) or not _count(found["rows"]):
            raise ValueError(f"{text!r} says no shift; write it as 0.25sd within 1000 rows")
        return cls(float(found["size"]), _count(found["rows"]))


@dataclass(frozen=True, slots=True)
class Windowing:
    """Windows of a fixed length, in seconds or rows; one begins every `every`. Those by time begin at midnight UTC, weeks on Mondays."""

    by: Literal["time", "rows"]
    length: float
    every: float

    @classmethod
    def parse(cls, text: str) -> Self:
        """ "daily", "15m", "1000 rows", "1d every 6h", "1000 rows every 100 rows"; ValueError for what is none."""
        found = re.match(_WINDOWS, text)
        if found is None:
            raise ValueError(f"{text!r} says no windows; write them as hourly, daily, weekly, 15m, 1000 rows, or sliding: 1d every 6h")
        by, length = _length(found["span"])
        other, every = _length(found["every"]) if found["every"] else (by, length)
        if other != by:
            raise ValueError(f"{text!r} mixes time and rows")
        if not length or not every or every > length:
            raise ValueError(f"{text!r}: a window begins at least every {found['span']}, or rows between two windows would not be looked at")
        return cls(by, length, every)

    @property
    def sliding(self) -> bool:
        """Do windows overlap."""
        return self.every < self.length

    @property
    def text(self) -> str:
        """As a person says it: "daily windows", "windows of 1,000 rows"."""
        named = {_LENGTHS[unit]: word for word, unit in _NAMED.items()}
        if self.by == "rows":
            told = f"windows of {self.length:,.0f} rows"
        else:
            told = f"{named[self.length]} windows" if self.length in named else f"windows of {_spoken(self.length)}"
        return told + (f", one every {f'{self.every:,.0f} rows' if self.by == 'rows' else _spoken(self.every)}" if self.sliding else "")


def chance(rate: Rate, windows: Windowing) -> float:
    """How likely a single look may be to alarm without cause, so that all looks together keep the rate.

    Expectations add up, however much the looks depend on each other: looking more often leaves less to each look.

    ValueError when the rate is in time and the windows are not, or when every look may alarm.
    """
    if rate.windows is not None:
        share = rate.count / rate.windows
    elif windows.by == "rows":
        raise ValueError("windows of so many rows have no length in time, so say in how many windows: 1/30 windows")
    else:
        assert rate.seconds is not None
        share = rate.count * windows.every / rate.seconds
    if share >= 0.5:
        raise ValueError(f"with {windows.text} that is {share:.2g} false alarms in each look: an alarm would mean nothing")
    return share


def _count(text: str) -> int:
    return int(re.sub(r"[_,]", "", text))


def _length(span: str) -> tuple[Literal["time", "rows"], float]:
    if span.endswith("rows"):
        return "rows", float(_count(span.removesuffix("rows").strip()))
    if span in _NAMED or span in _LENGTHS:
        return "time", _LENGTHS[_NAMED.get(span, span)]
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(\w+)", span)
    assert found is not None, span
    return "time", float(found[1]) * _UNITS[found[2]]


def _spoken(seconds: float) -> str:
    for unit, word in ((24 * _HOUR, "days"), (_HOUR, "hours"), (60.0, "minutes")):
        if seconds >= unit and not seconds % unit:
            return f"{seconds / unit:.0f} {word if seconds > unit else word[:-1]}"
    return f"{seconds:g} seconds"


def _rated(text: str) -> str:
    Rate.parse(text)
    return text


def _detected(text: str) -> str:
    Detection.parse(text)
    return text


def _windowed(text: str) -> str:
    Windowing.parse(text)
    return text


AlarmRate = Annotated[str, AfterValidator(_rated), Field(examples=["1/month", "1/30 windows"])]
"""How many false alarms are allowed: "1/month", "2/year", "1/30 windows"."""

Detect = Annotated[str, AfterValidator(_detected), Field(examples=["0.25sd within 1000 rows"])]
"""What must be seen: "0.25sd within 1000 rows"."""

Windows = Annotated[str, AfterValidator(_windowed), Field(examples=["daily", "1000 rows", "1d every 6h"])]
"""Over which windows: "hourly", "daily", "weekly", "15m", "1000 rows", or sliding: "1d every 6h"."""
