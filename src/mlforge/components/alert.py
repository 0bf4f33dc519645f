"""The kind that tells people, and what it tells them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from mlforge.components.component import Component
from mlforge.finding import Severity

__all__ = ["Alert", "Notice"]

_LONGEST = 500  # characters of what a finding says


class Notice(BaseModel):
    """What is told of an alert: where it came from, what speaks for it, and what to do next."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: int = Field(description="the alert's, by which `mlforge alerts` knows it")
    state: Literal["open", "over"]
    severity: Severity
    model: str
    version: int
    finding: str = Field(description="the finding that alarms, such as live/drift/columns")
    part: str = Field(default="", description="the group of rows; empty for all")
    windows: str = Field(default="", description="the windows that were looked at, such as daily windows")
    begins: str = Field(description="when the first of its windows began; ISO 8601, UTC")
    ends: str = Field(description="when the last of its windows ended")
    count: int = Field(description="how many of its windows alarmed")
    text: str = Field(description="what the finding says, in one sentence")
    effect: float | None = Field(default=None, description="the estimated loss of performance, as a share of what it was; None where nobody knows")
    measure: str = Field(default="", description="what that is a loss of: estimated/accuracy 0.91 → 0.84")
    evidence: Mapping[str, Any] = Field(default_factory=dict, description="the figures behind the finding")
    steps: tuple[str, ...] = Field(default=(), description="commands that come next")

    @property
    def key(self) -> str:
        """The same for the same news, however often it is sent: a receiver takes the second for the first."""
        return f"{self.model}-{self.number}-{'over' if self.state == 'over' else self.severity}"

    @property
    def headline(self) -> str:
        """One line."""
        word = "over" if self.state == "over" else self.severity
        group = f" ({self.part})" if self.part else ""
        return " ".join(f"[{word}] {self.model} {self.version}: {self.finding.removeprefix('live/')}{group}".split())[:200]

    def lines(self) -> tuple[str, ...]:
        """What a person needs to know: what, since when, how much it matters, what to do."""
        since = f"{'From' if self.state == 'over' else 'Since'} {self.begins[:16].replace('T', ' ')}"
        until = f" until {self.ends[:16].replace('T', ' ')}" if self.state == "over" else f": {self.count} × {self.windows}"
        told = [self.text[:_LONGEST], since + until + "."]
        if self.effect is not None:
            told.append(f"Estimated effect on performance: {self.effect:.1%} ({self.measure}).")
        return (*told, *(f"Next: {step}" for step in self.steps if self.state == "open"))


class Alert(Component):
    """Tells people of alerts (`alerts`). What it is told twice, it may send twice: whoever receives it knows it by its key."""

    least: Literal["warning", "critical"] = Field(default="warning", description="the least severity that is sent")
    over: bool = Field(default=True, description="whether it is told when an alert that was sent is over, too")

    @abstractmethod
    def send(self, notice: Notice, private: Iterable[str]) -> None:
        """Tell of one alert; within bounded time, or raise RunFailed.

        `private` are the hosts in private networks that the project allows, as `name` or `name:port`: no other may be reached there, whatever a recipe says.
        MissingRequirement when something that it needs, such as an environment variable, is not there.
        """
