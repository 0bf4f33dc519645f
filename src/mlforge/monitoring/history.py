"""Stored panes of a model version, merged with new ones, so that old and new windows are judged alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from mlforge.finding import Finding
from mlforge.monitoring.judging import Judged
from mlforge.monitoring.panes import Pane, Panes, Seen
from mlforge.reference import pack, unpack
from mlforge.store import KeptWindow, Store
from mlforge.store.entries import Version
from mlforge.window import Profile

__all__ = ["changed", "keep", "parts", "recall", "said", "whole"]


def recall(panes: Panes, store: Store, version: Version, *, since: int | None = None, until: int | None = None) -> int:
    """Add what is kept of earlier panes; of those from number `since` on and before `until`, where these are given.

    Of a pane that was looked at before and is again, what has more rows counts, then what has more labels: rows that came late and labels that came since join
    it, and a log whose oldest files have gone takes nothing away. What was held against another reference is left out, since its counts are cut in other
    places: told is how many panes that concerns.
    """
    kept, apart = parts(panes, store, version, since=since, until=until)
    for at, found in kept.items():
        seen = whole(found, panes)
        new = panes.seen.get(at)
        if new is None or (seen.rows, seen.labels) > (new.rows, new.labels):
            panes.seen[at] = seen
    return apart


def parts(panes: Panes, store: Store, version: Version, *, since: int | None = None, until: int | None = None) -> tuple[dict[Pane, dict[str, Seen]], int]:
    """What each writer has kept of panes; and of how many there is only what was held against another reference."""
    text, watched = _text(panes), {one.entry: one for one in panes.watched}
    found: dict[Pane, dict[str, Seen]] = {}
    apart: set[Pane] = set()
    for window in store.windows.parts(version.model, version.version, since=None if since is None else _begins(panes, since)):
        one = watched.get(window.monitor)
        if window.windows != text or one is None:
            continue
        at = Pane(window.part, _number(panes, window.begins))
        if until is not None and at.number >= until:
            continue
        if window.reference and one.digest and window.reference != one.digest:
            apart.add(at)
            continue
        seen = found.setdefault(at, {}).setdefault(window.writer, Seen())
        seen.rows, seen.labels, seen.rejected = (max(getattr(seen, name), getattr(window, name)) for name in ("rows", "labels", "rejected"))
        seen.profiles[window.monitor] = unpack(window.profile)
        if one.monitor.exact:
            seen.said[window.monitor] = window.findings
    return found, len(apart - found.keys())


def whole(found: Mapping[str, Seen], panes: Panes) -> Seen:
    """One pane, of what servers have counted, each its own rows, and of what somebody has seen who has looked at all: whichever is more."""
    told = Seen()
    for writer in sorted(found):
        if writer:
            told.add(found[writer], panes.watched)
    log = found.get("")
    return log if log is not None and (log.rows, log.labels) >= (told.rows, told.labels) else told


def keep(
    panes: Panes, told: Iterable[Judged], store: Store, version: Version, only: Mapping[Pane, Seen] | None = None, writer: str = ""
) -> int:  # fmt: skip
    """Write down every pane, or what a writer has of some, with what was said of the window that ends with it, and say how many were new or had changed."""
    if panes.windowing is None or panes.windowing.by == "rows":
        return 0  # rows by number have no place in time: another file begins at the first row again
    ended = {Pane(one.group, one.panes.stop - 1): one for one in told}
    rows = []
    for at, seen in sorted((panes.seen if only is None else only).items()):
        span = panes.span(range(at.number, at.number + 1))
        assert span is not None
        judgement = ended.get(at)
        for one in panes.watched:
            findings = judgement.findings.get(one.entry, ()) if judgement else ()
            raw = b"" if one.monitor.exact else pack(seen.profiles.get(one.entry, Profile()))  # rows are never kept
            rows.append(KeptWindow(version.model, version.version, one.entry, _text(panes), at.group, span[0].isoformat(), span[1].isoformat(), seen.rows,
                                   seen.labels, seen.rejected, raw, findings, reference=one.digest, writer=writer))  # fmt: skip
    return store.windows.keep(rows)


def said(panes: Panes, store: Store, version: Version, since: int) -> dict[Pane, dict[str, tuple[Finding, ...]]]:
    """What is kept of what was said of windows, by entry of the monitors and by the window's last pane, from the pane of that number on."""
    text, found = _text(panes), dict[Pane, dict[str, tuple[Finding, ...]]]()
    for window in store.windows.of(version.model, version.version, since=_begins(panes, since)):
        if window.windows == text and window.findings:
            found.setdefault(Pane(window.part, _number(panes, window.begins)), {})[window.monitor] = window.findings
    return found


def changed(panes: Panes, store: Store, version: Version, since: int, writer: str, known: dict[tuple[str, ...], str]) -> set[Pane]:
    """Panes from that number on of which others than this writer have written since it was last asked; `known` is brought up to date."""
    text, now = _text(panes), store.windows.counts(version.model, version.version, _begins(panes, since), writer)
    new = {key for key, count in now.items() if known.get(key) != count and key[0] == text}
    known.clear()
    known.update(now)
    return {Pane(part, _number(panes, begins)) for _, part, begins, *_ in new}


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
