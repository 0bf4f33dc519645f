"""Kinds that measure and decide, and what they decide on."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, ClassVar, Protocol

from pydantic import BaseModel, ConfigDict, Field

from mlforge.components.component import Component
from mlforge.contract import Column, Contract
from mlforge.finding import Finding, Subject
from mlforge.task import Task
from mlforge.window import Profile, Window

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

__all__ = ["Evidence", "Gate", "Perturbation", "Probe", "Ruling"]


class Probe(Component):
    """Measures: data (`checks`), predictions (`evaluators`), live windows (`monitors`)."""

    asks: ClassVar[bool] = False
    """Asks the model itself (`window.predict`), again and about other rows: not done for the trivial model."""

    def enough(self) -> int | None:
        """Of a probe that asks the model: how many rows are enough to be asked about; None: all, partition by partition.

        With a number, a stage draws so many of all rows, the same ones for each model, and has them summarised once.
        """
        return None

    cut: ClassVar[str] = ""
    """Why figures depend on where rows are cut into partitions, where they do; else a cut moves no figure."""

    @abstractmethod
    def declares(self, contract: Contract, task: Task) -> Iterable[str]:
        """Names of the findings that it can make, without the window's name: "roc_auc"; `*` stands for one part that only the data decides: "recall/*"."""

    @abstractmethod
    def summarise(self, window: Window) -> Profile:
        """What to keep of one partition."""

    @abstractmethod
    def merge(self, one: Profile, other: Profile) -> Profile:
        """Two profiles as one; associative, and the empty profile of an empty window changes nothing."""

    @abstractmethod
    def findings(self, profile: Profile, reference: Profile | None) -> Iterable[Finding]:
        """The findings of a merged profile, names without the window's.

        With a reference (the champion's profile over the same rows; the training data's) also how the two differ.
        """


class Perturbation(Component):
    """Changes values as the world does, so that a behaviour test can ask the model again."""

    dtypes: ClassVar[frozenset[str]]
    """Of the columns that it can change."""

    def unfit(self, column: Column) -> str:
        """Why it cannot change a column of these dtypes, where its settings say so: "'x' is not a whole number"; empty when it can. Asked by `check`."""
        return ""

    @abstractmethod
    def apply(self, values: pl.Series, keys: np.ndarray) -> pl.Series:
        """The values changed, missing ones left missing. What chance decides follows from `keys` alone, a uint64 for each row: however rows are cut into
        partitions, a row is changed in the same way.
        """


class Evidence(Protocol):
    """The findings before a gate."""

    def get(self, name: str, subject: Subject = "candidate") -> Finding | None:
        """The finding of that name about the variant that ships (candidate), the champion, the baseline or the data; None when it was not made."""

    @property
    def champion(self) -> str | None:
        """ "adult 3", or None when there is no champion."""


class Ruling(BaseModel):
    """What one rule of a gate said."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: str = Field(description="gate entry and rule, such as thresholds.auc")
    passed: bool
    finding: str = Field(description="name of the finding that was judged")
    value: float | None = None
    low: float | None = None
    high: float | None = None
    bound: str = Field(default="", description="what was asked, such as '≥ 0.9'")
    margin: float | None = Field(default=None, description="how far on the right side; negative when on the wrong one")
    role: str = Field(
        default="", description="the role that must sign (`mlforge approve`) for the ruling to pass; empty where no person is asked, or one has decided"
    )
    text: str = Field(description="one sentence for a person")

    @property
    def waits(self) -> bool:
        """Has a person still to decide."""
        return bool(self.role) and not self.passed

    def lasting(self) -> Ruling:
        """The ruling on a volatile finding, such as a latency, as the verdict keeps it: what was asked and whether it was kept, without the figures."""
        text = f"{self.finding} is {'' if self.passed else 'not '}{self.bound}"
        return self.model_copy(update={"value": None, "low": None, "high": None, "margin": None, "text": text})


class Gate(Component):
    """Turns findings into a verdict."""

    @abstractmethod
    def needs(self, task: Task) -> Mapping[str, str]:
        """The findings that it will ask for, by the key that names them, relative to the gate; checked before anything runs.

        For example {"rules.auc.finding": "test/roc_auc"}.
        """

    def signers(self) -> Mapping[str, str]:
        """The roles whose signature it asks for, by the key that names them, relative to the gate: {"role": "risk"}; checked before anything runs."""
        return {}

    @abstractmethod
    def judge(self, entry: str, evidence: Evidence, task: Task) -> Iterable[Ruling]:
        """One ruling per rule. A finding that is missing or None never passes. One that a person must decide names the `role` and is not passed."""
