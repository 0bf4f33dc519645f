"""How often a monitor may alarm without cause: what monitors that alarm have in common."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

from pydantic import Field

from mlforge.alarm import AlarmRate, Rate, Windowing, chance
from mlforge.components import Monitor, Objection
from mlforge.contract import Contract

__all__ = ["FEW", "WANTED", "Promise"]

FEW = 30  # rows below which nothing is said
WANTED = 1000  # rows that a judgement of figures rests on, where a recipe says nothing else


class Promise(Monitor):
    """A monitor that promises how often it alarms without cause."""

    false_alarms: AlarmRate = Field(default="1/month", description="how often it may alarm without cause: 1/month, 2/year, 1/30 windows")

    def objections(self, contract: Contract) -> Iterable[Objection]:
        """A promise that no window can keep."""
        try:
            chance(Rate.parse(self.false_alarms), self.windowing)
        except ValueError as error:
            yield Objection("false_alarms", f"{self.false_alarms!r} with {self.windowing.text}", str(error))

    @property
    def level(self) -> float:
        """How likely a single look may be to alarm without cause."""
        return chance(Rate.parse(self.false_alarms), self.windowing)

    def over(self, windows: str) -> Self:
        """Over other windows; where they have no length in time, a single look keeps the chance that it has over its own."""
        counted = Windowing.parse(windows).by == "rows" and Rate.parse(self.false_alarms).windows is None
        return self.model_copy(update={"windows": windows} | ({"false_alarms": f"{100 * self.level:.12g}/100 windows"} if counted else {}))

    def shared(self, groups: int) -> Self:
        """With the part of the false alarms that is left to one group."""
        return self if groups == 1 else self.model_copy(update={"false_alarms": Rate.parse(self.false_alarms).shared(groups)})
