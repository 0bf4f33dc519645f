"""The page of a model's monitors: what alarms, how each figure went over time, what happened beside, and how columns lie against the reference."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from mlforge.report.against import pictures
from mlforge.report.figures import measured, moment
from mlforge.report.markup import document, figure, sheet, table, text
from mlforge.report.timelines import MARKED, drawable, timelines
from mlforge.report.windows import Mark, WindowView

__all__ = ["Mark", "WindowView", "monitoring_page"]

_ALARMS = 100
_HAPPENED = 60
_OPEN = 12  # alarms that are shown without being asked for
_CSS = """
.over { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 27rem), 1fr)); gap: 1.2rem 2rem; }
.over svg.chart { width: 100%; max-width: 36rem; }
.note { color: var(--soft); font-size: .85em; margin: .2rem 0 0; } .note + .over { margin-top: .8rem; }
.numbered { display: inline-block; min-width: 1.6em; font-weight: 700; text-align: center; }
.soft-mark { color: var(--soft); } .yes-mark { color: var(--yes); } .no-mark { color: var(--no); } .warn-mark { color: var(--warn); }
.happened td { overflow-wrap: anywhere; }
"""
_WORDS = {"version": "a version", "champion": "a promotion", "rollback": "a rollback", "retraining": "a retraining"}


def monitoring_page(title: str, windows: Sequence[WindowView], marks: Sequence[Mark] = ()) -> str:
    """One HTML file that needs nothing else; everything that comes from data is escaped."""
    numbered = list(enumerate(sorted(marks, key=lambda mark: mark.begins), 1))
    parts = [f"<h1>{text(title)}</h1>", _verdict(windows), *_series(windows, numbered), _happened(numbered), _alarms(windows)]
    return document(f"{title} · monitors", (part for part in parts if part), _CSS)


def _verdict(windows: Sequence[WindowView]) -> str:
    """The newest window in a sentence."""
    if not windows:
        return ""
    newest = max(windows, key=lambda one: (one.begins, one.number))
    tone, word = ("no", "Alarm.") if newest.family else ("yes", "Quiet.")
    said = "".join(f"<p>{text(finding.name.removeprefix('live/'))}: {text(finding.text)}</p>" for finding in newest.family[:8])
    alarmed = sum(bool(one.alarms) for one in windows)
    more = f"The newest window began {text(newest.when)}, with {newest.rows:,} rows; {alarmed} of {len(windows)} windows have an alarm."
    return f'<section class="sheet verdict {tone}"><p class="lead"><b>{word}</b> {more}</p>{said}</section>'


def _series(windows: Sequence[WindowView], marks: Sequence[tuple[int, Mark]]) -> Iterator[str]:
    """For each kind of windows and each group: figures over time, then the columns of the newest window."""
    order = sorted(windows, key=lambda one: (one.windows, one.group, one.number))
    for (kind, group), ones in groupby(order, key=lambda one: (one.windows, one.group)):
        series = list(ones)
        title = " · ".join(part for part in (kind, group) if part)
        inside = drawable(marks, series)
        over = "".join(figure(one.chart, one.note) for one in timelines(series, inside)) if len(series) > 1 else ""
        yield sheet(f"Over time: {title}", f'{_legend(inside)}<div class="over">{over}</div>') if over else ""
        shown = "".join(figure(one) for one in pictures(series[-1]))
        yield sheet(f"Columns in the window of {series[-1].when}, against the reference", f'<div class="charts">{shown}</div>') if shown else ""


def _legend(marks: Sequence[tuple[int, Mark]]) -> str:
    """What the points and lines mean."""
    kinds = dict.fromkeys(mark.kind for _, mark in marks)
    lines = ", ".join(f'<span class="{MARKED[kind]}-mark">{_WORDS[kind]}</span>' for kind in kinds)
    told = f" Lines with a number: {lines}, as listed below." if lines else ""
    return f'<p class="note"><span class="no-mark">◆</span> an alarm. Shaded: the interval.{told}</p>'


def _happened(marks: Sequence[tuple[int, Mark]]) -> str:
    """What was done with the model, the newest first."""
    if not marks:
        return ""
    rows = [
        f'<tr><td><span class="numbered {MARKED[mark.kind]}-mark">{place}</span></td><td class="number">{text(moment(mark.begins))}</td>'
        f"<td>{text(mark.text)}</td><td>{f'<code>{text(mark.command)}</code>' if mark.command else ''}</td></tr>"
        for place, mark in reversed(marks[-_HAPPENED:])
    ]
    return sheet("What happened", table(("#", "when", "what happened", "why"), rows, "stacked happened"))


def _alarms(windows: Sequence[WindowView]) -> str:
    told = [(one, finding) for one in reversed(windows) for finding in one.family][:_ALARMS]
    if not told:
        return ""
    rows = [
        f'<tr><td class="number">{text(one.when)}</td><td>{text(one.group)}</td><td>{text(finding.name.removeprefix("live/"))}</td>'
        f'<td class="number">{text(measured(finding))}</td><td>{text(finding.text)}</td></tr>'
        for one, finding in told
    ]
    wide = table(("window", "group", "finding", "value", "what was found"), rows, "stacked")
    opened = " open" if len(told) <= _OPEN else ""
    return f'<section class="sheet"><details{opened}><summary>Alarms, window by window ({len(told)})</summary>{wide}</details></section>'
