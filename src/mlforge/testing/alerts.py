"""What a way to tell people must do: a component of the section `alerts`.

    class TestPager(AlertContract):
        component = Pager(team="night")

One that needs a receiver makes one in `receiver`, and names it to the component in `make`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import ClassVar

import pytest

from mlforge.components import Alert, Component, Notice
from mlforge.errors import MlforgeError
from mlforge.testing.component import ComponentContract

__all__ = ["AlertContract", "notice_for"]

_WAIT = 30.0  # seconds for one message


def notice_for(**changed: object) -> Notice:
    """News of an alert, with what may be in one."""
    told: dict[str, object] = {
        "number": 17, "state": "open", "severity": "warning", "model": "adult", "version": 3, "finding": "live/drift/columns", "windows": "daily",
        "begins": "2026-11-20T00:00:00+00:00", "ends": "2026-11-22T00:00:00+00:00", "count": 2, "text": "tenure (0.41 sd) has drifted", "effect": 0.036,
        "measure": "estimated/roc_auc 0.874 → 0.842", "evidence": {"columns": ["tenure"], "level": 0.01}, "steps": ("mlforge monitor adult@3",),
    }  # fmt: skip
    return Notice.model_validate({**told, **changed})


class AlertContract(ComponentContract[Alert]):
    """Clauses for a way to tell people."""

    kind: ClassVar[type[Component]] = Alert
    private: ClassVar[tuple[str, ...]] = ("127.0.0.1", "localhost")
    """Hosts that a project allows while it is tested."""

    def receiver(self) -> AbstractContextManager[object]:
        """Whoever takes what is sent, while a clause sends."""
        return nullcontext()

    def exercise(self, component: Alert, folder: Path) -> None:
        """Tell of one alert."""
        with self.receiver():
            component.send(notice_for(), self.private)

    def disturb(self, component: Alert, folder: Path) -> None:
        """Tell of one while nobody takes it."""
        component.send(notice_for(), self.private)

    @pytest.mark.parametrize(
        "notice",
        [
            notice_for(),
            notice_for(severity="critical", part="north"),
            notice_for(state="over"),
            notice_for(effect=None, measure="", evidence={}, steps=()),
            notice_for(part="a\r\nBcc: everybody@example.org", text="<!channel> @here *bold* " + "long " * 400),
        ],
        ids=["open", "critical in a group", "over", "little known", "text from the data"],
    )
    def test_it_takes_every_kind_of_news(self, subject: Alert, notice: Notice) -> None:
        """Else the worst alert is the one that nobody hears of."""
        with self.receiver():
            subject.send(notice, self.private)

    def test_the_same_news_may_come_twice(self, subject: Alert) -> None:
        """Else what was delivered and not noted as such stops all that follows."""
        with self.receiver():
            subject.send(notice_for(), self.private)
            subject.send(notice_for(), self.private)

    def test_a_failure_is_told_within_bounded_time(self, subject: Alert) -> None:
        """Else one receiver that is gone holds up the watch, or ends it in a traceback."""
        with _within(_WAIT), suppress(MlforgeError):
            subject.send(notice_for(), ())


@contextmanager
def _within(seconds: float) -> Iterator[None]:
    begun = time.monotonic()
    yield
    assert time.monotonic() - begun < seconds
