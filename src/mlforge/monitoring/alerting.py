"""Groups alarms into alerts: one for each stretch of windows, with its estimated loss of performance."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from mlforge.finding import Finding, Severity
from mlforge.monitoring.judging import Judged
from mlforge.monitoring.looking import Look
from mlforge.store import KeptAlert, Store
from mlforge.store.entries import Version

__all__ = ["Loss", "alerted", "stretches"]

_APART = "its windows do not compare any more, since what they were held against is another now"
QUIET = 2  # windows without an alarm that end a stretch
_MEASURES = ("live/performance/roc_auc", "live/performance/accuracy", "live/performance/mae",
             "live/estimated/roc_auc", "live/estimated/accuracy", "live/estimated/mae")  # fmt: skip
"""Where a loss is read from: what labels say before what is estimated, and ranks before shares."""


@dataclass(frozen=True, slots=True)
class Loss:
    """The estimated loss of performance."""

    share: float
    told: str

    @classmethod
    def of(cls, finding: Finding) -> Loss | None:
        """By a finding that knows what it was; None for any other."""
        before = finding.evidence.get("reference")
        if finding.value is None or finding.better is None or not isinstance(before, int | float) or not before:
            return None
        worse = (before - finding.value) * (1 if finding.better == "higher" else -1)
        return cls(round(max(worse, 0.0) / abs(before), 6), f"{finding.name.removeprefix('live/')} {before:.3g} → {finding.value:.3g}")


@dataclass(frozen=True)
class Stretch:
    """Windows in which one finding alarmed, with none or a few quiet ones between."""

    monitor: str
    windows: tuple[Judged, ...]
    newest: Finding
    open: bool


def alerted(looks: Iterable[Look], store: Store, version: Version) -> list[KeptAlert]:
    """Write down what these looks have found, and give it back as it is kept, with what is no alert any more.

    Windows without a place in time cannot be told from those of another look: they make none.
    """
    seen = [look for look in looks if look.windows and look.windows[0].span is not None]
    every = [window for look in seen for window in look.windows]
    found = [_alert(one, look, every, version) for look in seen for one in stretches(look.windows)]
    kept = store.alerts.note(found)
    numbers = {one.number for one in kept}
    looked = {(look.windowing.text if look.windowing else "", window.group, entry) for look in seen for window in look.windows for entry in window.findings}
    before = store.alerts.of(version.model, version.version, over=False)
    gone = [one for one in before if one.number not in numbers and (one.windows, one.part, one.monitor) in looked]
    apart = {look.windowing.text for look in seen if look.windowing and look.apart}
    store.alerts.close(one.number for one in gone if one.windows not in apart)
    store.alerts.close((one.number for one in gone if one.windows in apart), _APART)
    return [*kept, *(store.alerts.one(one.number) for one in gone)]


def stretches(windows: Sequence[Judged]) -> Iterator[Stretch]:
    """Of every group and finding; findings on single columns are left to that on all."""
    for group in dict.fromkeys(one.group for one in windows):
        mine = [one for one in windows if one.group == group]
        for entry, name in dict.fromkeys(
            (entry, finding.name) for one in mine for entry, found in one.findings.items() for finding in found if _alarms(finding)
        ):
            yield from _cut(entry, name, mine)


def _cut(entry: str, name: str, windows: Sequence[Judged]) -> Iterator[Stretch]:
    loud = [place for place, one in enumerate(windows) if _in(one, entry, name) is not None]
    begin = 0
    for place in range(len(loud)):
        last = place + 1 == len(loud)
        if not last and loud[place + 1] - loud[place] <= QUIET:
            continue
        inside = tuple(windows[at] for at in loud[begin : place + 1])
        newest = _in(inside[-1], entry, name)
        assert newest is not None
        yield Stretch(entry, inside, newest, last and len(windows) - 1 - loud[place] < QUIET)
        begin = place + 1


def _in(window: Judged, entry: str, name: str) -> Finding | None:
    return next((one for one in window.findings.get(entry, ()) if one.name == name and _alarms(one)), None)


def _alarms(finding: Finding) -> bool:
    return finding.severity != "info" and len(finding.name.split("/")) <= 3


def _alert(one: Stretch, look: Look, every: Sequence[Judged], version: Version) -> KeptAlert:
    first, last = one.windows[0], one.windows[-1]
    assert first.span is not None
    assert last.span is not None
    found = [finding for window in one.windows if (finding := _in(window, one.monitor, one.newest.name))]
    worst: Severity = "critical" if any(finding.severity == "critical" for finding in found) else "warning"
    own = Loss.of(one.newest) if one.newest.name in _MEASURES else None  # other measures have no share that compares with these
    loss = own or _loss(every, first.group, last.span)
    return KeptAlert(
        number=0, model=version.model, version=version.version, monitor=one.monitor, finding=one.newest.name, part=first.group,
        windows=look.windowing.text if look.windowing else "", begins=first.span[0].isoformat(), ends=last.span[1].isoformat(), count=len(one.windows),
        severity=worst, state="open" if one.open else "over", effect=loss.share if loss else None, measure=loss.told if loss else "", newest=one.newest,
    )  # fmt: skip


def _loss(every: Sequence[Judged], group: str, span: tuple[datetime, datetime]) -> Loss | None:
    """What the newest windows over the same time say of performance."""
    beside = [one for one in every if one.group == group and one.span is not None and one.span[0] < span[1] and span[0] < one.span[1]]
    named = {finding.name: loss for one in beside for found in one.findings.values() for finding in found if (loss := Loss.of(finding))}
    return next((named[name] for name in _MEASURES if name in named), None)
