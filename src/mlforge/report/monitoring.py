"""The page of a model's monitors: what alarms, how each figure went over time, and how columns lie against the reference."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby
from typing import Any

from mlforge.finding import Finding
from mlforge.report.charts import Chart, drawn
from mlforge.report.figures import measured
from mlforge.report.style import CSS
from mlforge.secrets import mask

__all__ = ["Mark", "WindowView", "monitoring_page"]

_PICTURES = 24  # columns that are drawn
_LINES = 12  # figures over time
_ALARMS = 100
_FIGURES = (
    ("estimated/", "performance/"),
    ("drift/columns", "drift/largest", "prediction_drift/columns", "prediction_drift/largest", "multivariate/", "attribution/largest"),
    ("calibration/", "fairness/"),
    ("quality/rejected", "quality/missing", "traffic/", "service/"),
)
_LEFT_OUT = ("/column/", "quality/missing/")


@dataclass(frozen=True, slots=True)
class WindowView:
    """One window, as far as a page shows it."""

    windows: str  # "daily windows"
    group: str
    begins: str  # ISO 8601; empty for windows by number
    number: int
    rows: int
    findings: tuple[Finding, ...]

    @property
    def when(self) -> str:
        """As a person reads it."""
        return self.begins.replace("T", " ") or f"window {self.number + 1}"

    @property
    def alarms(self) -> tuple[Finding, ...]:
        """The findings that are alarms."""
        return tuple(finding for finding in self.findings if finding.severity != "info")


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened beside the windows: a version, a retraining."""

    begins: str  # ISO 8601
    text: str


def monitoring_page(title: str, windows: Sequence[WindowView], marks: Sequence[Mark] = ()) -> str:
    """One HTML file that needs nothing else; everything that comes from data is escaped."""
    parts = [f"<h1>{_text(title)}</h1>", _verdict(windows), *_series(windows, marks), _alarms(windows)]
    meta = '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
    head = f'<!doctype html>\n<html lang="en"><head>{meta}<title>{_text(title)} · monitors</title><style>{CSS}</style></head>'
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
    alarms = _family(newest.alarms)
    tone, word = ("no", "Alarm.") if alarms else ("yes", "Quiet.")
    said = "".join(f"<p>{_text(finding.name.removeprefix('live/'))}: {_text(finding.text)}</p>" for finding in alarms[:8])
    alarmed = sum(bool(one.alarms) for one in windows)
    more = f"The newest window began {_text(newest.when)}, with {newest.rows:,} rows; {alarmed} of {len(windows)} windows have an alarm."
    return f'<section class="sheet verdict {tone}"><p class="lead"><b>{word}</b> {more}</p>{said}</section>'


def _family(alarms: Sequence[Finding]) -> list[Finding]:
    """Without those of single columns, which the family's finding names."""
    return [finding for finding in alarms if not any(part in finding.name for part in _LEFT_OUT)]


def _series(windows: Sequence[WindowView], marks: Sequence[Mark]) -> Iterator[str]:
    """For each kind of windows and each group: figures over time, then the columns of the newest window."""
    order = sorted(windows, key=lambda one: (one.windows, one.group, one.number))
    for (kind, group), ones in groupby(order, key=lambda one: (one.windows, one.group)):
        series = list(ones)
        title = " · ".join(part for part in (kind, group) if part)
        charts = [drawn(chart) for chart in _timelines(series, marks)] if len(series) > 1 else []
        yield _sheet(f"Over time: {title}", _figures(_timelines(series, marks), charts)) if charts else ""
        shown = list(_pictures(series[-1]))
        yield _sheet(f"Columns in the window of {series[-1].when}, against the reference", _figures(shown, [drawn(one) for one in shown])) if shown else ""


def _figures(charts: Sequence[Chart], pictures: Sequence[str]) -> str:
    told = (f"<figure><figcaption>{_text(chart.title)}</figcaption>{picture}</figure>" for chart, picture in zip(charts, pictures, strict=True) if picture)
    return f'<div class="charts">{"".join(told)}</div>'


def _timelines(series: Sequence[WindowView], marks: Sequence[Mark]) -> list[Chart]:
    """Each figure over the windows, with its interval, the alarms as points; estimated and realised performance in one picture."""
    found: dict[str, list[tuple[WindowView, Finding]]] = {}
    for window in series:
        for finding in window.findings:
            found.setdefault(finding.name.removeprefix("live/"), []).append((window, finding))
    names = [name for prefixes in _FIGURES for name in found if name.startswith(prefixes) and not any(part in name for part in _LEFT_OUT[1:])]
    charts = []
    for name in names:
        measure = name.partition("/")[2]
        if (name.startswith("performance/") and f"estimated/{measure}" in found) or name == "performance/labelled":
            continue
        lines = {"value": found[name]}
        if name.startswith("estimated/"):
            lines = {"estimated": found[name], "realised": found.get(f"performance/{measure}", [])}
        if any(finding.value is not None for of in lines.values() for _, finding in of):
            title = f"{measure} · estimated and realised" if name.startswith("estimated/") else name.replace("/", " · ")
            charts.append(Chart("monitoring", title.replace("_", " "), _timeline(lines, marks)))
    return charts[:_LINES]


def _timeline(lines: dict[str, list[tuple[WindowView, Finding]]], marks: Sequence[Mark]) -> dict[str, Any]:
    rows = [
        {"x": window.begins or window.number, "y": finding.value, "low": finding.low, "high": finding.high, "of": name, "alarm": finding.severity != "info"}
        for name, of in lines.items()
        for window, finding in of
        if finding.value is not None
    ]
    timed = any(isinstance(row["x"], str) for row in rows)
    x = {"field": "x", "type": "temporal" if timed else "quantitative", "title": None if timed else "window", "axis": {"tickCount": 6, "labelAngle": 0}}
    y = {"field": "y", "type": "quantitative", "title": None, "scale": {"zero": False}}
    colour = {
        "field": "of",
        "type": "nominal",
        "scale": {"domain": list(lines), "range": ["var(--mark)", "var(--yes)"]},
        "legend": None if len(lines) == 1 else {},
    }
    layers: list[dict[str, Any]] = [
        {"transform": [{"filter": "datum.low != null"}], "mark": {"type": "area", "opacity": 0.18},
         "encoding": {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}, "color": colour}},
        {"mark": {"type": "line", "point": len(rows) < 60}, "encoding": {"x": x, "y": y, "color": colour}},
        {"transform": [{"filter": "datum.alarm"}], "mark": {"type": "point", "color": "var(--no)", "size": 70, "filled": True}, "encoding": {"x": x, "y": y}},
    ]  # fmt: skip
    if timed and marks:
        told = [{"x": mark.begins, "text": mark.text} for mark in marks]
        layers.append({"data": {"values": told}, "mark": {"type": "rule", "color": "var(--warn)", "strokeDash": [3, 3]}, "encoding": {"x": x}})
    return {"data": {"values": rows}, "width": 420, "height": 150, "layer": layers}


def _pictures(window: WindowView) -> Iterator[Chart]:
    """Each column's shares in the reference and in the window; those that alarm first, then those that moved most."""
    found = [finding for finding in window.findings if "/column/" in finding.name and "picture" in finding.evidence and finding.value is not None]
    for finding in sorted(found, key=lambda one: (one.severity == "info", -(one.value or 0.0), one.name))[:_PICTURES]:
        yield Chart(
            "monitoring",
            f"{finding.evidence.get('column', finding.name)}: {measured(finding)}{' · alarm' if finding.severity != 'info' else ''}",
            _shares(finding),
        )


def _shares(finding: Finding) -> dict[str, Any]:
    picture = finding.evidence["picture"]
    colour = {"field": "of", "type": "nominal", "scale": {"domain": ["reference", "window"], "range": ["var(--soft)", "var(--mark)"]}}
    if "labels" in picture:
        rows = [
            {"what": label[:24], "share": picture[of][place], "of": of}
            for place, label in enumerate(picture["labels"])
            for of in ("reference", "window")
            if picture["reference"][place] + picture["window"][place] > 0
        ][:32]
        bars = {"y": {"field": "what", "title": None, "sort": None}, "x": {"field": "share", "type": "quantitative", "title": "share of rows"}}
        return {"data": {"values": rows}, "height": {"step": 9}, "mark": "bar", "encoding": {**bars, "yOffset": {"field": "of"}, "color": colour}}
    edges, rows = picture["edges"], []
    ends = _ends(edges, finding.evidence)
    for of in ("reference", "window"):
        reached = 0.0
        rows.append({"x": ends[0], "y": 0.0, "of": of})
        for edge, share in zip([*edges, ends[1]], picture[of], strict=False):
            reached += share
            rows.append({"x": edge, "y": reached, "of": of})
    x = {"field": "x", "type": "quantitative", "title": None, "scale": {"zero": False}, "axis": {"tickCount": 5}}
    line = {
        "mark": {"type": "line", "interpolate": "linear"},
        "encoding": {"x": x, "y": {"field": "y", "type": "quantitative", "title": "share of rows up to here"}, "color": colour},
    }
    return {"data": {"values": rows}, "height": 150, **line}


def _ends(edges: Sequence[float], evidence: Any) -> tuple[float, float]:
    """Where the lines begin and end: with the window's own values, where those are not absurdly far away."""
    wide = (edges[-1] - edges[0]) or 1.0 if edges else 1.0
    low, high = (edges[0], edges[-1]) if edges else (0.0, 1.0)
    least, most = evidence.get("least", low), evidence.get("most", high)
    return max(min(low, least), low - wide), min(max(high, most), high + wide)


def _alarms(windows: Sequence[WindowView]) -> str:
    told = [(one, finding) for one in reversed(windows) for finding in _family(one.alarms)][:_ALARMS]
    if not told:
        return ""
    rows = "".join(
        f'<tr><td class="number">{_text(one.when)}</td><td>{_text(one.group)}</td><td>{_text(finding.name.removeprefix("live/"))}</td>'
        f'<td class="number">{_text(measured(finding))}</td><td>{_text(finding.text)}</td></tr>'
        for one, finding in told
    )
    head = "".join(f'<th scope="col">{name}</th>' for name in ("window", "group", "finding", "value", "what was found"))
    table = f'<table class="plain"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
    return _sheet("Alarms", f'<div class="wide" tabindex="0" role="group" aria-label="alarms">{table}</div>')
