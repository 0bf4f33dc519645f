"""The calendar as arithmetic on doubles: from seconds since 1970 to year, month, day, weekday and hour."""

from __future__ import annotations

import math
from functools import cached_property

from mlforge.builtin.features.nodes import Nodes

__all__ = ["Calendar"]

_DAY, _HOUR = 86_400.0, 3_600.0
_EARLIEST, _LATEST = -62_135_596_800.0, 253_402_300_799.0  # the years 1 to 9999: what is further out counts as the edge


class Calendar:
    """Nodes that take a tensor of seconds [rows, 1] apart; days are counted from March, after Howard Hinnant's `civil_from_days`."""

    def __init__(self, graph: Nodes, seconds: str) -> None:
        self.graph = graph
        self.seconds = graph.add("Clip", seconds, self._number(_EARLIEST), self._number(_LATEST))

    def part(self, name: str, latest: float) -> str:
        """A part as a double [rows, 1]; `latest` is what an age is counted from."""
        if name == "age":
            return self._divide(self.graph.add("Sub", self._number(latest), self.seconds), _DAY)
        return str(getattr(self, name))

    def circle(self, name: str, first: int, count: int) -> str:
        """The sine and the cosine of a part that comes round again, as float32 [rows, 2]."""
        angle = self._times(self._less(self.part(name, 0.0), first), 2 * math.pi / count)
        single = self.graph.add("Cast", angle, to=1)  # 1: float32, in which onnxruntime knows the sine
        return self.graph.add("Concat", self.graph.add("Sin", single), self.graph.add("Cos", single), axis=1)

    @cached_property
    def hour(self) -> str:
        """0 to 23."""
        within = self.graph.add("Sub", self.seconds, self._times(self._days, _DAY))
        return self._floor(within, _HOUR)

    @cached_property
    def weekday(self) -> str:
        """0 for Monday to 6 for Sunday; 1 January 1970 was a Thursday."""
        shifted = self._less(self._days, -3)
        return self.graph.add("Sub", shifted, self._times(self._floor(shifted, 7), 7))

    @cached_property
    def day(self) -> str:
        """1 to 31."""
        begun = self._floor(self._less(self._times(self._month_from_march, 153), -2), 5)
        return self._less(self.graph.add("Sub", self._day_of_year, begun), -1)

    @cached_property
    def month(self) -> str:
        """1 to 12."""
        wrapped = self._times(self._wraps, 12)
        return self.graph.add("Sub", self._less(self._month_from_march, -3), wrapped)

    @cached_property
    def year(self) -> str:
        """The year; January and February belong to the one after."""
        return self.graph.add("Add", self.graph.add("Add", self._year_of_era, self._times(self._era, 400)), self._wraps)

    @cached_property
    def _days(self) -> str:
        return self._floor(self.seconds, _DAY)

    @cached_property
    def _since(self) -> str:
        """Days since 1 March of the year 0."""
        return self._less(self._days, -719_468)

    @cached_property
    def _era(self) -> str:
        return self._floor(self._since, 146_097)

    @cached_property
    def _day_of_era(self) -> str:
        return self.graph.add("Sub", self._since, self._times(self._era, 146_097))

    @cached_property
    def _year_of_era(self) -> str:
        days, add, sub = self._day_of_era, "Add", "Sub"
        without = self.graph.add(sub, days, self._floor(days, 1_460))
        without = self.graph.add(add, without, self._floor(days, 36_524))
        return self._floor(self.graph.add(sub, without, self._floor(days, 146_096)), 365)

    @cached_property
    def _day_of_year(self) -> str:
        years = self._year_of_era
        leaps = self.graph.add("Sub", self._floor(years, 4), self._floor(years, 100))
        return self.graph.add("Sub", self._day_of_era, self.graph.add("Add", self._times(years, 365), leaps))

    @cached_property
    def _month_from_march(self) -> str:
        return self._floor(self._less(self._times(self._day_of_year, 5), -2), 153)

    @cached_property
    def _wraps(self) -> str:
        """1 in January and February, else 0."""
        return self._floor(self._month_from_march, 10)

    def _number(self, value: float) -> str:
        import numpy as np

        return self.graph.constant(np.array(value, np.float64))

    def _less(self, one: str, other: float) -> str:
        return self.graph.add("Sub", one, self._number(other))

    def _times(self, one: str, other: float) -> str:
        return self.graph.add("Mul", one, self._number(other))

    def _divide(self, one: str, other: float) -> str:
        return self.graph.add("Div", one, self._number(other))

    def _floor(self, one: str, other: float) -> str:
        """The whole part of a quotient; exact, since a double holds every count of days and seconds that there is."""
        return self.graph.add("Floor", self._divide(one, other))
