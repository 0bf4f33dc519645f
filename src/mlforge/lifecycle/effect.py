"""Stages that change the world: done once, under a key of their own."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from mlforge.components import Job, Stage
from mlforge.store import Store

__all__ = ["Done", "Effect"]


@dataclass(frozen=True, slots=True)
class Done:
    """What an effect has done."""

    subject: str  # "adult 3"
    event: str  # "registered"
    text: str  # one line for the terminal
    new: bool  # False when it had been done before
    details: Mapping[str, Any] = field(default_factory=dict)  # for plugins: plain data, as `mlforge_event` says


class Effect(Stage):
    """A stage that makes no artifacts. It must be idempotent: killed half-way and called again, it ends in the same state."""

    effect: ClassVar[bool] = True

    def run(self, job: Job) -> None:
        """Effects are carried out by `perform`."""
        raise TypeError(f"{type(self).__name__} is an effect: it is performed, not run")

    @abstractmethod
    def perform(self, job: Job, store: Store, run: str) -> Done:
        """Do it, or find that it is done."""
