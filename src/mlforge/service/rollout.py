"""How a new version takes over, and what is answered when a model fails: the section `rollout` of a recipe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from mlforge.units import Duration

__all__ = ["Breaker", "Canary", "Fallback", "Rollback", "Rollout", "Rule", "Shadow", "Value"]

_FROZEN = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, hide_input_in_errors=True)

Share = Annotated[float, Field(gt=0, le=1)]


class Canary(BaseModel):
    """A new version gets a share of the requests first, and is rolled back when a sequential test finds it worse."""

    model_config = _FROZEN

    steps: tuple[Share, ...] = Field(default=(0.05, 0.25, 1.0), min_length=1, description="its share of the requests, step by step; the last is 1")
    requests: int = Field(default=2000, ge=20, description="how many requests it answers at a step before the next one is taken")
    false_alarm: float = Field(default=0.01, gt=0, le=0.5, description="how likely a rollout of a version that is no worse may be rolled back")
    key: str | None = Field(default=None, max_length=200, description="column whose value decides which version answers, so that it is the same each time")
    header: str | None = Field(default=None, max_length=200, description="likewise, a header of the request; it goes before `key`")
    more_errors: float = Field(default=1.0, ge=1, description="tolerated: this many times the odds of a failed answer")
    slower: float = Field(default=1.5, ge=1, description="tolerated: runs that take this many times as long")
    shift: float = Field(default=1.5, ge=1, description="tolerated: this many times the odds of any predicted class, or of a value above or below a quintile")

    @model_validator(mode="after")
    def _rises_to_one(self) -> Self:
        if list(self.steps) != sorted(set(self.steps)) or self.steps[-1] != 1.0:
            raise ValueError("steps: shares that rise to 1 were expected, such as [0.05, 0.25, 1]")
        return self


class Shadow(BaseModel):
    """Another version is asked too, after the answer, and its decisions are compared."""

    model_config = _FROZEN

    version: str = Field(default="challenger", pattern=r"^[A-Za-z0-9_][\w.-]*$", description="alias or number of the version that is asked too")
    share: Share = Field(default=1.0, description="of how many requests")


Value = str | int | float | bool


class Rule(BaseModel):
    """A prediction for the rows whose column is so."""

    model_config = _FROZEN

    column: str = Field(max_length=200, description="column of the raw row")
    equals: Value | None = Field(default=None, description="it has this value")
    above: float | None = Field(default=None, description="it is greater than this")
    below: float | None = Field(default=None, description="it is less than this")
    prediction: Value = Field(description="what is answered then")

    @model_validator(mode="after")
    def _says_when(self) -> Self:
        if self.equals is None and self.above is None and self.below is None:
            raise ValueError("equals, above or below was expected: when does the rule hold")
        return self


class Fallback(BaseModel):
    """What is answered when the version that serves fails, is too slow or is given a rest; the first that there is."""

    model_config = _FROZEN

    previous: bool = Field(default=True, description="ask the version that was champion before")
    model: str | None = Field(
        default=None, pattern=r"^[A-Za-z0-9][\w.-]*(@[\w.-]+)?$", description="then a simpler model: NAME or NAME@ALIAS, of the same contract"
    )
    rules: Mapping[str, Rule] = Field(default_factory=dict, description="then the prediction of the first rule that holds, in the order of their names")
    constant: Value | None = Field(default=None, description="then this prediction")


class Breaker(BaseModel):
    """When a version is given a rest: its requests go down the ladder at once, and one at a time is let through to see whether it is well again."""

    model_config = _FROZEN

    failures: Share = Field(default=0.5, description="share of failed answers that opens it")
    window: int = Field(default=20, ge=2, le=100_000, description="of so many latest answers")
    rest_s: float = Field(default=5.0, gt=0, le=3600, description="seconds of rest before a request is let through again")


class Rollback(BaseModel):
    """Which alarms take a version back that was promoted: `mlforge watch` then makes the one before it champion again."""

    model_config = _FROZEN

    monitors: tuple[str, ...] = Field(min_length=1, description="entries of the recipe's monitors whose alert, while it is open, takes the version back")
    within: Duration = Field(default=7 * 86_400.0, description="how long after its promotion; later, an alarm says more of the world than of the version")


class Rollout(BaseModel):
    """Which version answers, and what happens when it does not. It decides nothing about training: it is no part of a stage's key."""

    model_config = _FROZEN

    follow: bool = Field(default=True, description="does a server swap when the alias that it serves is moved")
    canary: Canary | None = Field(default=None, description="a new version gets a share of the requests first; null swaps at once")
    shadow: Shadow | None = Field(default=None, description="a version that is asked too, after the answer")
    fallback: Fallback | None = Field(default=None, description="what is answered when the model fails; null answers an error")
    breaker: Breaker = Field(default=Breaker(), description="when a failing version is given a rest; only with a fallback")
    rollback: Rollback | None = Field(default=None, description="alarms of monitors that take a promoted version back: {monitors: [performance]}")
    timeout_ms: float | None = Field(default=None, gt=0, description="longest that a client waits for this model: then 504, or what `fallback` says")
