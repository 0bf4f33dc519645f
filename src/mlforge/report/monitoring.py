"""The page of a model's monitors: what alarms, how each figure went over time, what happened beside, and how columns lie against the reference."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby

from mlforge.report.against import pictures
from mlforge.report.charts import Chart, drawn
from mlforge.report.figures import measured, moment
from mlforge.report.style import CSS
from mlforge.report.timelines import MARKED, drawable, timelines
from mlforge.report.windows import Mark, WindowView
from mlforge.secrets import mask

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
    parts = [f"<h1>{_text(title)}</h1>", _verdict(windows), *_series(windows, numbered), _happened(numbered), _alarms(windows)]
    meta = '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
    head = f'<!doctype html>\n<html lang="en"><head>{meta}<title>{_text(title)} · monitors</title><style>{CSS}{_CSS}</style></head>'
    return f"{head}<body><main>\n" + "\n".join(part for part in parts if part) + "\n</main></body></html>\n"


def _text(text: str) -> str:
    return escape(mask(text))


def _sheet(title: str, body: str) -> str:
    return f'<section class="sheet"><h2>{_text(title)}</h2>{body}</section>'


def _verdict(windows: Sequence[WindowView]) -> str:
    """The newest window in a sentence."""
    if not windows:
        return ""
    newest = max(windows, key=lambda one: (one.begins, one.number))
    tone, word = ("no", "Alarm.") if newest.family else ("yes", "Quiet.")
    said = "".join(f"<p>{_text(finding.name.removeprefix('live/'))}: {_text(finding.text)}</p>" for finding in newest.family[:8])
    alarmed = sum(bool(one.alarms) for one in windows)
    more = f"The newest window began {_text(newest.when)}, with {newest.rows:,} rows; {alarmed} of {len(windows)} windows have an alarm."
    return f'<section class="sheet verdict {tone}"><p class="lead"><b>{word}</b> {more}</p>{said}</section>'


def _series(windows: Sequence[WindowView], marks: Sequence[tuple[int, Mark]]) -> Iterator[str]:
    """For each kind of windows and each group: figures over time, then the columns of the newest window."""
    order = sorted(windows, key=lambda one: (one.windows, one.group, one.number))
    for (kind, group), ones in groupby(order, key=lambda one: (one.windows, one.group)):
        series = list(ones)
        title = " · ".join(part for part in (kind, group) if part)
        inside = drawable(marks, series)
        over = "".join(_figure(one.chart, one.note) for one in timelines(series, inside)) if len(series) > 1 else ""
        yield _sheet(f"Over time: {title}", f'{_legend(inside)}<div class="over">{over}</div>') if over else ""
        shown = "".join(_figure(one) for one in pictures(series[-1]))
        yield _sheet(f"Columns in the window of {series[-1].when}, against the reference", f'<div class="charts">{shown}</div>') if shown else ""


def _figure(chart: Chart, note: str = "") -> str:
    title = _text(chart.title)
    picture = drawn(chart).replace("<svg ", f'<svg aria-label="{title}" ', 1)
    below = f'<p class="note">{_text(note)}</p>' if note else ""
    return f"<figure><figcaption>{title}</figcaption>{picture}{below}</figure>" if picture else ""


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
    rows = "".join(
        f'<tr><td><span class="numbered {MARKED[mark.kind]}-mark">{place}</span></td><td class="number">{_text(moment(mark.begins))}</td>'
        f"<td>{_text(mark.text)}</td><td>{f'<code>{_text(mark.command)}</code>' if mark.command else ''}</td></tr>"
        for place, mark in reversed(marks[-_HAPPENED:])
    )
    head = "".join(f'<th scope="col">{name}</th>' for name in ("#", "when", "what happened", "why"))
    table = f'<table class="stacked happened"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
    return _sheet("What happened", f'<div class="wide" tabindex="0" role="group" aria-label="what happened">{table}</div>')


def _alarms(windows: Sequence[WindowView]) -> str:
    told = [(one, finding) for one in reversed(windows) for finding in one.family][:_ALARMS]
    if not told:
        return ""
    rows = "".join(
        f'<tr><td class="number">{_text(one.when)}</td><td>{_text(one.group)}</td><td>{_text(finding.name.removeprefix("live/"))}</td>'
        f'<td class="number">{_text(measured(finding))}</td><td>{_text(finding.text)}</td></tr>'
        for one, finding in told
    )
    head = "".join(f'<th scope="col">{name}</th>' for name in ("window", "group", "finding", "value", "what was found"))
    table = f'<table class="stacked"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
    wide = f'<div class="wide" tabindex="0" role="group" aria-label="alarms">{table}</div>'
    opened = " open" if len(told) <= _OPEN else ""
    return f'<section class="sheet"><details{opened}><summary>Alarms, window by window ({len(told)})</summary>{wide}</details></section>'
