"""Judges windows: merges their panes, and asks each monitor for findings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from mlforge.finding import Finding
from mlforge.monitoring.monitor_set import Watched
from mlforge.monitoring.panes import Pane, Panes, Seen
from mlforge.window import Profile

__all__ = ["FURTHEST", "Judged", "judged"]

FURTHEST = 400  # panes before a window that a judgement may reach back to
FEW = 30  # rows: what is less is not twice looked at


@dataclass(frozen=True)
class Judged:
    """One window, and what was found in it."""

    group: str
    panes: range
    span: tuple[datetime, datetime] | None
    rows: int
    labels: int
    rejected: int
    findings: dict[str, tuple[Finding, ...]]  # by entry of the monitors

    @property
    def alarms(self) -> tuple[Finding, ...]:
        """The findings that are alarms."""
        return tuple(finding for found in self.findings.values() for finding in found if finding.severity != "info")

    @property
    def verdict(self) -> str:
        """ "alarm", "ok", or "insufficient" where no monitor has seen enough to say anything."""
        said = any(finding.value is not None and (finding.rows or 0) >= FEW for found in self.findings.values() for finding in found)
        return "alarm" if self.alarms else "ok" if said else "insufficient"


def judged(panes: Panes, wanted: Callable[[str, range], bool] = lambda group, numbers: True) -> Iterator[Judged]:
    """Every window that has rows and is wanted (by its group and panes), in its order within its group."""
    for group, _, numbers in panes.windows():
        if not wanted(group, numbers):
            continue
        seen = _seen(panes, group, numbers, panes.watched)
        findings = {one.entry: _found(panes, group, numbers, one) for one in panes.watched}
        yield Judged(group, numbers, panes.span(numbers), seen.rows, seen.labels, seen.rejected, findings)


def _found(panes: Panes, group: str, numbers: range, one: Watched) -> tuple[Finding, ...]:
    """The findings of one monitor.

    A window with fewer rows than a judgement should rest on is judged together with those before it, in spans of twice as many rows each: a large drift is
    seen in the shortest, a small one in the longest. The spans share what the monitor promises of its alarms. Told is the shortest that alarms, else the
    longest.
    """
    spans = _spans(panes, group, numbers, one.monitor.wanted)
    monitor = one.monitor.shared(len(spans))
    told: tuple[Finding, ...] = ()
    for span in spans:
        seen = _seen(panes, group, span, (one,))
        profile = seen.profiles.get(one.entry, Profile())
        if not profile.tables and one.entry in seen.said:
            return seen.said[one.entry]
        earlier = list(_earlier(panes, group, span, len(numbers), one)) if span == spans[-1] else []
        found = monitor.judged(profile, earlier, one.reference)
        told = tuple(finding.model_copy(update={"name": f"live/{finding.name}"}) for finding in found)
        if any(finding.severity != "info" for finding in told):
            break
    return told


def _spans(panes: Panes, group: str, numbers: range, wanted: int) -> list[range]:
    """The window, and with it the panes before that make twice as many rows, and so on until there are enough."""
    start, rows = numbers.start, sum(_rows(panes, group, number) for number in numbers)
    spans, asked = [numbers], 2 * max(rows, FEW)
    oldest = min((pane.number for pane in panes.seen if pane.group == group), default=start)
    while rows < wanted and start > oldest and numbers.start - start < FURTHEST:
        start -= 1
        rows += _rows(panes, group, start)
        if rows >= asked or rows >= wanted:
            spans, asked = [*spans, range(start, numbers.stop)], 2 * asked
    if spans[-1].start != start:
        spans.append(range(start, numbers.stop))
    return spans


def _earlier(panes: Panes, group: str, span: range, wide: int, one: Watched) -> Iterator[Profile]:
    """What the windows before a span had, the newest first, as far as the monitor remembers."""
    for nth in range(one.monitor.memory):
        stop = span.start - nth * wide
        profile = _seen(panes, group, range(stop - wide, stop), (one,)).profiles.get(one.entry)
        if profile is not None and profile.tables:
            yield profile


def _rows(panes: Panes, group: str, number: int) -> int:
    seen = panes.seen.get(Pane(group, number))
    return 0 if seen is None else seen.rows


def _seen(panes: Panes, group: str, numbers: range, watched: tuple[Watched, ...]) -> Seen:
    told = Seen()
    for number in numbers:
        one = panes.seen.get(Pane(group, number))
        if one is not None:
            told.add(one, watched)
    return told
