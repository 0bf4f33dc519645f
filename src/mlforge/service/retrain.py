"""When a model is trained again, on which rows, and what becomes of the new version: the section `retrain` of a recipe."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from mlforge.budget import Budget
from mlforge.service.cron import CronText, ZoneName
from mlforge.units import Duration, Share

__all__ = ["Alarm", "Retrain", "Schedule", "Then", "Training", "When"]

_FROZEN = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, hide_input_in_errors=True)

Then = Literal["wait", "shadow", "canary", "promote"]


class Alarm(BaseModel):
    """A monitor has an alert that is open, and the model is thought to have lost so much."""

    model_config = _FROZEN

    monitor: str = Field(max_length=200, description="entry of the recipe's monitors whose alert counts; one that somebody has acknowledged does not")
    loss: Share = Field(default=0.0, description="least loss of performance, realised or estimated, as a share of what it was; 0 asks for none")


class Schedule(BaseModel):
    """At a time of the clock. Times that nobody was there for are made up for once."""

    model_config = _FROZEN

    cron: CronText = Field(description="minute, hour, day of the month, month, day of the week: '0 3 * * mon' is Mondays at three")
    zone: ZoneName = Field(default="UTC", description="the time zone that it is in; a change of its clock leaves no time out and doubles none")


class When(BaseModel):
    """What starts a retraining; whatever comes first."""

    model_config = _FROZEN

    drift: Alarm | None = Field(default=None, description="a monitor of drift alarms, and there is an estimated loss: {monitor: drift, loss: 2%}")
    performance: Alarm | None = Field(default=None, description="a monitor of performance alarms: {monitor: performance}")
    schedule: Schedule | None = Field(default=None, description="a time has come: {cron: '0 3 * * mon', zone: Europe/Berlin}")
    labels: int | None = Field(default=None, ge=1, description="so many labels have come since the last retraining")
    rows: int | None = Field(default=None, ge=1, description="so many rows were asked about since the last retraining")

    @model_validator(mode="after")
    def _says_when(self) -> Self:
        if not any(getattr(self, name) is not None for name in type(self).model_fields):
            raise ValueError(f"nothing ever starts a retraining; one of {', '.join(type(self).model_fields)} was expected")
        return self


class Training(BaseModel):
    """Which rows a retraining learns from, and which of them judge it."""

    model_config = _FROZEN

    rows: Literal["log", "source"] = Field(
        default="log",
        description="log: labelled rows of serve.log, with the recipe's source or in place of it; source: the recipe's source, which is kept up elsewhere",
    )
    window: Literal["all", "sliding", "weighted"] = Field(
        default="all", description="all: the source and every labelled row; sliding: only the latest of the log; weighted: of older rows only a sample"
    )
    span: Duration | None = Field(default=None, description="sliding: rows of so long, such as 30d")
    newest: int | None = Field(default=None, ge=10, description="sliding: so many rows at most, the newest")
    half_life: Duration | None = Field(
        default=None, description="weighted: after so long, half of the rows are taken; the source counts as old as the log's first row"
    )
    fewest: int = Field(default=200, ge=10, description="labelled rows of the log that there must be: with fewer, a retraining waits")
    judged_by: Share = Field(
        default=0.1,
        ge=0.01,
        le=0.9,
        description="share of the log's rows, the newest, that judge the new version and the champion alike; none of them is learned from, so less is fresher",
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.window == "sliding" and self.span is None and self.newest is None:
            raise ValueError("window: sliding needs its length: span, such as 30d, newest, such as 20000, or both")
        if self.window == "weighted" and self.half_life is None:
            raise ValueError("window: weighted needs half_life, such as 14d")
        for key, window in (("span", "sliding"), ("newest", "sliding"), ("half_life", "weighted")):
            if getattr(self, key) is not None and self.window != window:
                raise ValueError(f"{key} belongs to window: {window}, and window is {self.window}")
        if self.rows == "source" and self.window != "all":
            raise ValueError(f"window: {self.window} is of rows of the log; with rows: source, the source says which rows there are")
        return self


class Retrain(BaseModel):
    """Retraining by `mlforge watch`. It decides nothing about a run: it is no part of a stage's key."""

    model_config = _FROZEN

    when: When = Field(description="what starts a retraining")
    training: Training = Field(default=Training(), description="which rows it learns from, and which judge it")
    budget: Budget | None = Field(default=None, description="what one retraining may use, in place of the recipe's budget")
    cool_down: Duration = Field(default=3600.0, ge=1, description="from the beginning of one retraining to that of the next, at least")
    a_day: int = Field(default=4, ge=1, le=1000, description="retrainings that may begin within 24 hours")
    then: Then = Field(
        default="wait",
        description="when the gates pass. wait: a challenger, until somebody promotes it; shadow: likewise, asked by the server too; "
        "canary, promote: champion, with or without a trial by the server's requests",
    )
    every: Duration = Field(default=60.0, ge=0.1, le=86_400, description="how often `mlforge watch` looks")

    @property
    def logged(self) -> bool:
        """Does any of it need the request log."""
        when = self.when
        return self.training.rows == "log" or when.labels is not None or when.rows is not None
