"""The kind that searches over overrides: what to try next, and what to give up early."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol, Self, runtime_checkable

from pydantic import BaseModel, ConfigDict, Field, model_validator

from mlforge.components.component import Component
from mlforge.components.space import Dimension, Value

__all__ = ["Constraint", "Judge", "Objective", "Population", "Proposer", "Seen", "Sweep"]


class Objective(BaseModel):
    """A finding of each trial, and which way is better."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    finding: str = Field(default="validation/loss", description="name of the finding; of a fit's curves, its value at the epoch whose weights are kept")
    mode: Literal["min", "max"] = Field(default="min", description="which way is better")

    def score(self, value: float) -> float:
        """The value turned so that less is better."""
        return value if self.mode == "min" else -value


class Constraint(BaseModel):
    """What a trial must keep to be chosen. A finding of a later stage than train makes each trial run on to that stage."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    finding: str = Field(description="name of the finding, such as bundle/size")
    min: float | None = Field(default=None, description="at least this")
    max: float | None = Field(default=None, description="at most this")

    @model_validator(mode="after")
    def _asks(self) -> Self:
        if self.min is None and self.max is None:
            raise ValueError("it asks for nothing: give min, max or both")
        return self

    def broken(self, value: float) -> str:
        """How the value breaks it; nothing when it does not."""
        if self.max is not None and not value <= self.max:
            return f"{self.finding} {value:g} is above {self.max:g}"
        if self.min is not None and not value >= self.min:
            return f"{self.finding} {value:g} is below {self.min:g}"
        return ""


@dataclass(frozen=True)
class Seen:
    """A trial that is over, as a search learns from it. Scores are turned so that less is better."""

    number: int
    values: Mapping[str, Value]  # by entry of the space
    scores: tuple[float, ...]  # one for each objective; empty when it failed
    curve: tuple[tuple[int, float], ...] = ()  # epoch and the first objective's score, where a fit's curves have it


class Proposer(Protocol):
    """Says what to try. What it proposes depends on the seed, the number and the trials it has learned of, so that a sweep that was killed goes on alike."""

    def propose(self, number: int) -> Mapping[str, Value] | None:
        """Values for the trial of that number (from 0), by entry of the space; None when there is nothing more to try."""

    def learn(self, seen: Seen) -> None:
        """Take note of a trial that is over."""


@runtime_checkable
class Population(Proposer, Protocol):
    """A proposer whose trials go on from each other: what a `gradual` sweep has. Values may change from a trial to the one that goes on from it."""

    def ready(self, number: int) -> bool:
        """May the trial begin: are those over that decide on it. Always when no trial is running."""

    def parent(self, number: int) -> int | None:
        """The trial from which it goes on; None: it begins from the start. Asked once, when it is ready and before its values are."""

    def end(self, number: int, epochs: int) -> int:
        """After how many epochs, of a training of so many, the trial ends."""


class Judge(Protocol):
    """Says which trials to give up early."""

    def stops(self, number: int, epoch: int, score: float) -> bool:
        """Take note of a trial's score (less is better) after an epoch; True when the trial is not worth another. Called once an epoch, in order."""


class Sweep(Component):
    """Searches over overrides of the recipe, in trials on Ray Tune. The overrides of the best trial join the recipe."""

    requires: ClassVar[tuple[str, ...]] = ("ray", "optuna")
    aside: ClassVar[frozenset[str]] = frozenset({"concurrency", "cpus", "gpus", "max_failures", "address"})

    gradual: ClassVar[bool] = False
    """Do values change while a trial trains: then only the trainer's `adjustable` fields can be varied, and the proposer is a `Population`."""

    space: Mapping[str, Dimension] = Field(default={}, description="what to vary, by any name; without it, what the model and the trainer propose")
    trials: int = Field(default=16, ge=1, description="how many trials at most")
    hours: float | None = Field(default=None, gt=0, description="longest time for all trials together; what is finished by then is chosen from")
    cost: float | None = Field(default=None, gt=0, description="highest cost for all trials together, at cost_per_hour")
    cost_per_hour: float | None = Field(default=None, gt=0, description="what an hour of one trial costs, for the limit of cost")
    objectives: Mapping[str, Objective] = Field(default={}, description="what to optimise; the first decides. Without any: the lowest validation/loss")
    constraints: Mapping[str, Constraint] = Field(default={}, description="what a trial must keep to be chosen")
    seed: int | None = Field(default=None, ge=0, lt=2**32, description="seed of the search; null: the recipe's")
    warm_start: str | None = Field(default=None, description="id of an earlier run of this recipe, whose trials the search learns from first")
    concurrency: int | None = Field(
        default=None, ge=1, description="trials at a time; null: as many as the CPUs and GPUs allow. With 1, a sweep repeats exactly"
    )
    cpus: float | None = Field(
        default=None, gt=0, description="CPUs of each trial; null: what the cluster's workers for a fit take together, and 1 without a cluster"
    )
    gpus: float | None = Field(
        default=None, ge=0, description="GPUs of each trial, a fraction shares one; null: what the cluster's workers take, and none without"
    )
    max_failures: int = Field(default=3, ge=0, description="so many trials may fail; one more ends the run")
    address: str | None = Field(default=None, description="address of a running Ray cluster; null: one is started on this machine for the time of the sweep")

    @model_validator(mode="after")
    def _knows_the_cost(self) -> Self:
        if self.cost is not None and self.cost_per_hour is None:
            raise ValueError("cost is limited, and cost_per_hour is not given")
        return self

    @property
    def goals(self) -> Mapping[str, Objective]:
        """The objectives; the loss when none is given."""
        return self.objectives or {"loss": Objective()}

    @property
    def most(self) -> int:
        """How many trials there are at most."""
        return self.trials

    @abstractmethod
    def proposer(self, seed: int) -> Proposer:
        """What proposes trials over `space`."""

    def judge(self) -> Judge | None:
        """What gives up trials early; None: every trial goes to its end."""
        return None
