"""The panes that a store keeps of a model version, and those that are new: looked at together, so that old and new windows are judged alike."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from mlforge.finding import Finding
from mlforge.monitoring.judging import Judged
from mlforge.monitoring.panes import Pane, Panes, Seen
from mlforge.reference import pack, unpack
from mlforge.store import KeptWindow, Store
from mlforge.store.entries import Version
from mlforge.window import Profile

__all__ = ["fuller", "keep", "recall", "said"]


def recall(panes: Panes, store: Store, version: Version, *, since: int | None = None, until: int | None = None) -> None:
    """Add what is kept of earlier panes; of those from number `since` on and before `until`, where these are given.

    Of a pane that was looked at before and is again, what has more rows counts, then what has more labels: rows that came late and labels that came since join
    it, and a log whose oldest files have gone takes nothing away.
    """
    text, found = _text(panes), dict(panes.seen)
    kept: dict[Pane, Seen] = {}
    exact = {one.entry for one in panes.watched if one.monitor.exact}
    first = None if since is None else _begins(panes, since)
    for window in store.windows.of(version.model, version.version, since=first):
        if window.windows != text or window.monitor not in {one.entry for one in panes.watched}:
            continue
        at = Pane(window.part, _number(panes, window.begins))
        if until is not None and at.number >= until:
            continue
        seen = kept.setdefault(at, Seen(window.rows, window.labels, window.rejected))
        seen.profiles[window.monitor] = unpack(window.profile)
        if window.monitor in exact:
            seen.said[window.monitor] = window.findings
    for at, seen in kept.items():
        new = found.get(at)
        if new is None or (seen.rows, seen.labels) > (new.rows, new.labels):
            panes.seen[at] = seen


def keep(panes: Panes, told: Iterable[Judged], store: Store, version: Version, only: Collection[Pane] | None = None) -> int:
    """Write down every pane, or those that are named, with what was said of the window that ends with it, and say how many were new or had changed."""
    if panes.windowing is None or panes.windowing.by == "rows":
        return 0  # rows by number have no place in time: another file begins at the first row again
    ended = {Pane(one.group, one.panes.stop - 1): one for one in told}
    rows = []
    for at in sorted(panes.seen if only is None else only):
        seen = panes.seen[at]
        span = panes.span(range(at.number, at.number + 1))
        assert span is not None
        judgement = ended.get(at)
        for one in panes.watched:
            findings = judgement.findings.get(one.entry, ()) if judgement else ()
            raw = b"" if one.monitor.exact else pack(seen.profiles.get(one.entry, Profile()))  # rows are never kept
            rows.append(KeptWindow(version.model, version.version, one.entry, _text(panes), at.group, span[0].isoformat(), span[1].isoformat(), seen.rows,
                                   seen.labels, seen.rejected, raw, findings))  # fmt: skip
    return store.windows.keep(rows)


def said(panes: Panes, store: Store, version: Version, since: int) -> dict[Pane, dict[str, tuple[Finding, ...]]]:
    """What is kept of what was said of windows, by entry of the monitors and by the window's last pane, from the pane of that number on."""
    text, found = _text(panes), dict[Pane, dict[str, tuple[Finding, ...]]]()
    for window in store.windows.of(version.model, version.version, since=_begins(panes, since), profiles=False):
        if window.windows == text and window.findings:
            found.setdefault(Pane(window.part, _number(panes, window.begins)), {})[window.monitor] = window.findings
    return found


def fuller(panes: Panes, store: Store, version: Version, among: Collection[Pane]) -> set[Pane]:
    """Those panes of which more is kept than is here."""
    text, found = _text(panes), set[Pane]()
    for window in store.windows.of(version.model, version.version, since=_begins(panes, min(at.number for at in among)), profiles=False):
        at = Pane(window.part, _number(panes, window.begins))
        if window.windows == text and at in among and (window.rows, window.labels) > (panes.seen[at].rows, panes.seen[at].labels):
            found.add(at)
    return found


def _begins(panes: Panes, number: int) -> str:
    span = panes.span(range(number, number + 1))
    assert span is not None
    return span[0].isoformat()


def _text(panes: Panes) -> str:
    return panes.watched[0].monitor.windows if panes.watched else ""


def _number(panes: Panes, begins: str) -> int:
    span = panes.span(range(1))
    assert span is not None
    return round((datetime.fromisoformat(begins) - span[0]).total_seconds() / panes.step)
