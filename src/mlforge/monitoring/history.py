"""The panes that a store keeps of a model version, and those that are new: looked at together, so that old and new windows are judged alike."""

from __future__ import annotations

from datetime import datetime

from mlforge.monitoring.judging import Judged
from mlforge.monitoring.panes import Pane, Panes, Seen
from mlforge.reference import pack, unpack
from mlforge.store import KeptWindow, Store
from mlforge.store.entries import Version
from mlforge.window import Profile

__all__ = ["keep", "recall"]


def recall(panes: Panes, store: Store, version: Version) -> None:
    """Add what is kept of earlier panes.

    Of a pane that was looked at before and is again, what has more rows counts, then what has more labels: rows that came late and labels that came since join
    it, and a log whose oldest files have gone takes nothing away.
    """
    text, found = _text(panes), dict(panes.seen)
    kept: dict[Pane, Seen] = {}
    for window in store.windows.of(version.model, version.version):
        if window.windows != text or window.monitor not in {one.entry for one in panes.watched}:
            continue
        at = Pane(window.part, _number(panes, window.begins))
        seen = kept.setdefault(at, Seen(window.rows, window.labels, window.rejected))
        seen.profiles[window.monitor] = unpack(window.profile)
    for at, seen in kept.items():
        new = found.get(at)
        if new is None or (seen.rows, seen.labels) > (new.rows, new.labels):
            panes.seen[at] = seen


def keep(panes: Panes, told: list[Judged], store: Store, version: Version) -> int:
    """Write down every pane with what was said of the window that ends with it, and say how many were new or had changed."""
    if panes.windowing is None or panes.windowing.by == "rows":
        return 0  # rows by number have no place in time: another file begins at the first row again
    said = {(one.group, one.panes.stop - 1): one for one in told}
    rows = []
    for at, seen in sorted(panes.seen.items()):
        span = panes.span(range(at.number, at.number + 1))
        assert span is not None
        judgement = said.get((at.group, at.number))
        for one in panes.watched:
            findings = judgement.findings.get(one.entry, ()) if judgement else ()
            raw = pack(seen.profiles.get(one.entry, Profile()))
            rows.append(KeptWindow(version.model, version.version, one.entry, _text(panes), at.group, span[0].isoformat(), span[1].isoformat(), seen.rows,
                                   seen.labels, seen.rejected, raw, findings))  # fmt: skip
    return store.windows.keep(rows)


def _text(panes: Panes) -> str:
    return panes.watched[0].monitor.windows if panes.watched else ""


def _number(panes: Panes, begins: str) -> int:
    span = panes.span(range(1))
    assert span is not None
    return round((datetime.fromisoformat(begins) - span[0]).total_seconds() / panes.step)
