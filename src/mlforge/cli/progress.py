"""How a run looks at the terminal: bars when a person watches, plain lines when not."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mlforge.lifecycle.plan import Planned
from mlforge.report.figures import duration
from mlforge.secrets import mask

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

__all__ = ["Terminal"]

_WIDTH = 10
_PATIENCE = 2.0  # seconds before a bar appears, or before a plain line says how far the work is
_REPEAT = 30.0  # seconds between two such plain lines


@dataclass
class Terminal:
    """Prints a run to standard output."""

    verdict: list[str] = field(default_factory=list)
    reused: int = 0
    _began: float = 0.0
    _told: float = 0.0
    _bar: Progress | None = None
    _task: TaskID | None = None

    def begun(self, recipe: str, run: str, stages: tuple[str, ...]) -> None:
        """One line: recipe and run."""
        print(f"{recipe}  run {run}")

    def reused_stage(self, step: Planned) -> None:
        """One line for a stage that is reused."""
        self.reused += 1
        self._line(step.name, "reused")

    def started(self, step: Planned) -> None:
        """Nothing yet: most stages are done before a person could read it."""
        self._began = self._told = time.monotonic()

    def progressed(self, step: Planned, done: float, total: float, note: str) -> None:
        """A bar after two seconds; without a terminal a line now and then."""
        now = time.monotonic()
        if now - self._began < _PATIENCE:
            return
        if sys.stdout.isatty():
            self._draw(step.name, done, total, note)
        elif now - self._told >= _REPEAT:
            self._told = now
            self._line(step.name, _amount(done, total, note))

    def finished(self, step: Planned, seconds: float, text: str) -> None:
        """One line on what came of the stage."""
        self.close()
        took = f"{duration(seconds):>8}"
        self._line(step.name, f"{took}  {text}".rstrip())

    def close(self) -> None:
        """Take away a bar that is still there."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = self._task = None

    def _draw(self, name: str, done: float, total: float, note: str) -> None:
        if self._bar is None:
            from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

            columns = (
                TextColumn("  {task.description:<10}"),
                BarColumn(),
                TextColumn("{task.fields[note]}"),
                TimeRemainingColumn(compact=True),
                TextColumn("left"),
            )
            self._bar = Progress(*columns, transient=True)
            self._bar.start()
            self._task = self._bar.add_task(name, total=total, note=note)
        assert self._task is not None
        self._bar.update(self._task, completed=done, total=total, note=note)

    def _line(self, name: str, text: str) -> None:
        print(mask(f"  {name:<{_WIDTH}}{text}"), flush=True)


def _amount(done: float, total: float, note: str) -> str:
    """How far the work is: "400,000 of 2,000,000 rows", or "37 %  epoch 12/30"; rows alone where nobody knows how many there will be."""
    if note == "rows":
        return f"{done:,.0f} rows" if done >= total else f"{done:,.0f} of {total:,.0f} rows"
    return f"{100 * done / (total or 1):.0f} %  {note}".strip()
