"""What a run tells while it goes on; the command line prints it."""

from __future__ import annotations

from typing import Protocol

from mlforge.lifecycle.plan import Planned

__all__ = ["Quiet", "Reporter"]


class Reporter(Protocol):
    """Listens to a run. Called in the driving process, in order."""

    def begun(self, recipe: str, run: str, stages: tuple[str, ...]) -> None:
        """The run has an id and its stages."""

    def reused_stage(self, step: Planned) -> None:
        """A stage need not run."""

    def started(self, step: Planned) -> None:
        """A stage begins."""

    def progressed(self, step: Planned, done: float, total: float, note: str) -> None:
        """A stage has come this far; called often."""

    def finished(self, step: Planned, seconds: float, text: str) -> None:
        """A stage is done; `text` is one line on what came of it."""


class Quiet:
    """Tells nothing."""

    def begun(self, recipe: str, run: str, stages: tuple[str, ...]) -> None:
        """Nothing."""

    def reused_stage(self, step: Planned) -> None:
        """Nothing."""

    def started(self, step: Planned) -> None:
        """Nothing."""

    def progressed(self, step: Planned, done: float, total: float, note: str) -> None:
        """Nothing."""

    def finished(self, step: Planned, seconds: float, text: str) -> None:
        """Nothing."""
