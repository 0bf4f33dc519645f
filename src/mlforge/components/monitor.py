"""The kind that watches a released model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar, Literal, Self

from pydantic import Field

from mlforge.alarm import Windowing, Windows
from mlforge.components.judgement import Probe
from mlforge.finding import Finding
from mlforge.window import Profile, Window

__all__ = ["Monitor"]


class Monitor(Probe):
    """Watches live windows (`monitors`), and holds them against what the model was built with.

    Its findings are about one window. One that is a warning, or critical, is an alarm; all others are figures. Profiles are sketches: they are kept for every
    window, and with the model's version.
    """

    against: ClassVar[Literal["train", "test"]] = "train"
    """The part of the data that is its reference; "test" where predictions are looked at, which are too good on training rows.

    Where no monitor of a model says "test", `mlforge monitor` does not ask the model about raw rows: that costs more than all else.
    """

    fitted: ClassVar[bool] = False
    """Its sketches are cut by those of the reference: rows are summarised once to see where to cut, and again with `window.reference`, as windows are."""

    counts: ClassVar[bool] = False
    """It looks only at how many rows there were, when, and how long they took. A server that has no time to look at every row still shows it all of them."""

    exact: ClassVar[bool] = False
    """Its profiles are rows, of the reference as of windows: it is asked where both are at hand, and nothing of it is kept but what it found."""

    memory: ClassVar[int] = 0
    """So many windows before the one that is judged are shown to it too: `judged` is given their profiles."""

    windows: Windows = Field(default="daily", description="over which windows it looks: hourly, daily, weekly, 15m, 1000 rows, or sliding: 1d every 6h")

    @property
    def windowing(self) -> Windowing:
        """Its windows."""
        return Windowing.parse(self.windows)

    @property
    def wanted(self) -> int:
        """Rows that a judgement should rest on: a window with fewer is judged together with those before it."""
        return 0

    def judged(self, profile: Profile, earlier: Sequence[Profile], reference: Profile | None) -> Iterable[Finding]:
        """The findings on a window, with what `memory` windows before it had, the newest of them first; those that are not known are left out."""
        return self.findings(profile, reference)

    def over(self, windows: str) -> Self:
        """The monitor as it looks over other windows."""
        return self.model_copy(update={"windows": windows})

    def shared(self, groups: int) -> Self:
        """The monitor as it looks at one of several groups: what it promises of its alarms, it promises of all groups together."""
        return self

    def calibrate(self, reference: Profile, sample: Window, seed: int) -> tuple[Profile, Sequence[Finding]]:
        """What the reference's own rows say about its alarms, with a uniform `sample` of them: the reference with what was learned, and findings on it.

        Raises DataError, with the reason, when it promises what cannot be kept with these data.
        """
        return reference, ()
