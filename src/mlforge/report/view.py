"""What a page of a run shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mlforge.components import Ruling
from mlforge.finding import Finding

__all__ = ["RunView", "StageView", "SweepView", "TrialView"]


@dataclass(frozen=True, slots=True)
class StageView:
    """One stage of a run."""

    name: str
    state: str  # "run", "reuse", "done", "failed"
    seconds: float | None = None
    outputs: Mapping[str, str] = field(default_factory=dict)  # digest by port
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class TrialView:
    """One trial of a sweep; values in the order of the sweep's axes."""

    number: int
    state: str  # "done", "stopped", "failed"
    values: tuple[str, ...]
    places: tuple[float, ...]  # where each value lies between the ends of its axis, from 0 to 1
    objectives: tuple[float, ...]  # in the order of the goals; empty when it did not come to its end
    reason: str = ""
    epochs: int = 0
    pareto: bool = False  # none is better in one objective without being worse in another
    parent: int | None = None  # the trial from which it went on


@dataclass(frozen=True, slots=True)
class SweepView:
    """What a sweep has tried and found."""

    chosen: int  # the number of the trial whose overrides joined the recipe
    overrides: tuple[str, ...]
    axes: tuple[str, ...]  # the keys that were varied
    ends: tuple[tuple[str, str], ...]  # of each axis
    goals: tuple[tuple[str, str, str], ...]  # name, finding, "min" or "max"; the first decides
    trials: tuple[TrialView, ...]
    importance: Mapping[str, float]  # by key: share of the first objective's variance that the value alone explains


@dataclass(frozen=True, slots=True)
class RunView:
    """One run, as far as a person wants to read of it. The engine fills it in; nothing here knows the store."""

    recipe: str
    run: str
    started: str  # as it should be read: "2026-11-20 03:00 UTC"
    stages: tuple[StageView, ...]
    description: str = ""
    passed: bool | None = None  # None: the run had no gates, or did not come that far
    rulings: tuple[Ruling, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)  # "model" → "mlp", "gates.thresholds" → "thresholds"
    overrides: tuple[str, ...] = ()
    source: str = ""  # the composed recipe as text, secrets masked
    rows: int | None = None  # that kept the contract
    quarantine: Mapping[str, int] = field(default_factory=dict)  # rows that did not, by reason
    champion: str = ""  # "adult 3", when there is one
    registered: str = ""  # "adult 4, challenger", when there is a version
    next: tuple[str, ...] = ()  # commands that one may want now
    warnings: tuple[str, ...] = ()  # what went wrong beside the run, such as in a plugin that only looked on
    sweep: SweepView | None = None  # of a run that has tuned
    curves: tuple[tuple[int, str, float], ...] = ()  # epoch, name and value of the training
    waits: tuple[str, ...] = ()  # roles that have still to sign
