"""Figures over time: one picture each, with intervals, alarms, what it was on the test rows, and what happened beside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mlforge.finding import Finding
from mlforge.report.charts import Chart
from mlforge.report.figures import number
from mlforge.report.names import spoken
from mlforge.report.windows import LEFT_OUT, Mark, WindowView

__all__ = ["MARKED", "Timeline", "drawable", "timelines"]

_MOST = 16
_ORDER = (
    "estimated/accuracy", "estimated/mae", "estimated/", "performance/accuracy", "performance/roc_auc", "performance/mae", "performance/",
    "drift/columns", "drift/largest", "prediction_drift/columns", "prediction_drift/largest", "multivariate/", "text_drift/", "two_sample/",
    "attribution/columns", "calibration/", "fairness/",
    "quality/rejected", "quality/missing", "traffic/", "service/",
)  # fmt: skip
"""Which figures have a picture, the most telling first."""
_NAMES = {
    "drift/columns": "Columns that have drifted", "drift/largest": "How far the worst column has moved",
    "prediction_drift/columns": "Predictions that have drifted", "prediction_drift/largest": "How far predictions have moved",
    "quality/rejected": "Share of rows that break the contract", "quality/missing": "Columns with values missing more or less often",
    "traffic/rows": "Rows", "traffic/longest_gap": "Longest time without a row, in seconds",
    "attribution/columns": "Columns that count for more or less than before",
    "multivariate/distance": "How far rows as a whole have moved", "two_sample/auc": "How well rows are told from training rows (AUC)",
    "calibration/ece": "Calibration error", "calibration/drift": "How far probabilities have moved from what comes true",
    "service/p50": "Time of half of the answers, in seconds", "service/p99": "Time of 99 of 100 answers, in seconds",
    "service/errors": "Share of requests that failed",
}  # fmt: skip
_COUNTS = ("drift/columns", "prediction_drift/columns", "attribution/columns", "quality/missing", "traffic/rows")
MARKED: Mapping[str, str] = {"version": "soft", "champion": "yes", "rollback": "no", "retraining": "warn", "alert": "no"}
"""The colour of each kind of mark, as a variable of the page."""
_DRAWN = ("version", "champion", "retraining", "rollback")  # the gravest last; alerts are points already
_FEW = 4  # counts of which each has a tick
_ROOM = 30  # numbers that a picture has room for, side by side

Seen = Sequence[tuple[WindowView, Finding]]


@dataclass(frozen=True, slots=True)
class Timeline:
    """A picture, and what it cannot say."""

    chart: Chart
    note: str = ""


def drawable(marks: Sequence[tuple[int, Mark]], series: Sequence[WindowView]) -> list[tuple[int, Mark]]:
    """The marks that lie within the windows."""
    return [(place, mark) for place, mark in marks if mark.kind in _DRAWN and _within(mark, series)]


def timelines(series: Sequence[WindowView], marks: Sequence[tuple[int, Mark]]) -> list[Timeline]:
    """Estimated and realised performance share a picture. The marks are drawn with their numbers."""
    found: dict[str, list[tuple[WindowView, Finding]]] = {}
    for window in series:
        for finding in window.findings:
            found.setdefault(finding.name.removeprefix("live/"), []).append((window, finding))
    told = [(name, one) for name in _names(found) if (one := _timeline(name, found, marks)) is not None]
    loud = [name for name, _ in told if any(finding.severity != "info" for _, finding in found[name])]
    kept = list(dict.fromkeys([*loud, *(name for name, _ in told)]))[:_MOST]  # what alarms is never left out for what does not
    return [one for name, one in told if name in kept]


def _names(found: Mapping[str, Seen]) -> Iterator[str]:
    told = dict.fromkeys(
        name for prefix in _ORDER for name in found if name.startswith(prefix) and not any(part in name for part in LEFT_OUT[1:]) and "/column/" not in name
    )
    for name in told:
        kind, _, measure = name.partition("/")
        if name != "performance/labelled" and not (kind == "performance" and f"estimated/{measure}" in found):
            yield name


def _within(mark: Mark, series: Sequence[WindowView]) -> bool:
    first, last = series[0], series[-1]
    return bool(first.begins) and first.begins[:16] <= mark.begins[:16] <= (last.ends or last.begins)[:16]


def _timeline(name: str, found: Mapping[str, Seen], marks: Sequence[tuple[int, Mark]]) -> Timeline | None:
    measure = name.partition("/")[2]
    lines: dict[str, Seen] = {"value": found[name]}
    if name.startswith("estimated/"):
        lines = {"realised": found.get(f"performance/{measure}", []), "estimated": found[name]}
    drawn = {of: seen for of, seen in lines.items() if any(finding.value is not None for _, finding in seen)}
    if not drawn:
        return None
    about = spoken(f"test/{measure}") or measure.replace("_", " ").capitalize()
    performance = name.startswith(("estimated/", "performance/"))
    title = f"{about}, estimated and realised" if len(lines) > 1 else about if performance else _NAMES.get(name) or _plain(name)
    reference = next((one for seen in drawn.values() for _, finding in seen if isinstance(one := finding.evidence.get("reference"), int | float)), None)
    notes = ["Solid: realised. Dashed: estimated."] if len(drawn) > 1 else [f"Only {next(iter(drawn))}."] if len(lines) > 1 else []
    notes += [f"Dotted: {number(reference)} on the test rows."] if reference is not None else []
    if "estimated" in lines and (newest := lines["estimated"][-1][1]).value is None:
        notes.append(f"No estimate in the newest window: {newest.text}.")
    spec = _spec(drawn, marks, reference, counts=name in _COUNTS)
    return Timeline(Chart("monitoring", title[:1].upper() + title[1:], spec), " ".join(notes))


def _plain(name: str) -> str:
    """A figure's own name in words."""
    kind, _, rest = name.partition("/")
    column, _, gap = rest.rpartition("/")
    told = f"{gap.removesuffix('_gap')} by {column}, how far groups are apart" if kind == "fairness" and column else name.replace("/", ": ")
    return told.replace("_", " ")


def _spec(lines: Mapping[str, Seen], marks: Sequence[tuple[int, Mark]], reference: float | None, *, counts: bool) -> dict[str, Any]:
    rows = [
        {"x": window.begins or window.number, "y": finding.value, "low": finding.low, "high": finding.high, "of": name, "alarm": finding.severity != "info"}
        for name, of in lines.items()
        for window, finding in of
        if finding.value is not None
    ]
    timed = any(isinstance(row["x"], str) for row in rows)
    days = timed and len({str(row["x"])[:10] for row in rows}) > 2
    axis = {"tickCount": 6, "labelAngle": 0, "labelOverlap": True, "labelFontSize": 12} | ({"format": "%d %b" if days else "%H:%M"} if timed else {})
    x = {"field": "x", "type": "temporal" if timed else "quantitative", "title": None if timed else "window", "axis": axis}
    values = [finding.value for of in lines.values() for _, finding in of if finding.value is not None]
    scale: dict[str, Any] = {"zero": counts}
    if not any(values):  # nothing happened: that lies on the ground, and not half way up
        scale = {"domain": [0, 1]}
    y: dict[str, Any] = {"field": "y", "type": "quantitative", "title": None, "scale": scale, "axis": {"tickCount": 4, "labelFontSize": 12}}
    y["axis"] |= {"format": ",d"} | _whole(values) if counts else {}
    shades = {"domain": list(lines), "range": ["var(--yes)", "var(--mark)"] if "realised" in lines else ["var(--mark)"]}
    colour = {"field": "of", "type": "nominal", "scale": shades, "legend": None}
    dash = {"field": "of", "type": "nominal", "scale": {"domain": ["value", "realised", "estimated"], "range": [[1, 0], [1, 0], [5, 3]]}, "legend": None}
    bounded, alarmed = ([row for row in rows if row[key] not in (None, False)] for key in ("low", "alarm"))  # a layer without marks has no name
    area = {"mark": {"type": "area", "opacity": 0.16}, "encoding": {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}, "color": colour}}
    line = {"mark": {"type": "line", "point": {"size": 25} if len(rows) < 90 else False}, "encoding": {"x": x, "y": y, "color": colour, "strokeDash": dash}}
    alarm = {"type": "point", "color": "var(--no)", "size": 75, "filled": True, "opacity": 1, "shape": "diamond"}
    layers: list[dict[str, Any]] = [
        *([{"data": {"values": bounded}, **area}] if bounded else []),
        line,
        *([{"data": {"values": alarmed}, "mark": alarm, "encoding": {"x": x, "y": y}}] if alarmed else []),
    ]
    if reference is not None:
        layers.insert(0, {"mark": {"type": "rule", "color": "var(--soft)", "strokeDash": [1, 3], "strokeWidth": 1.5}, "encoding": {"y": {"datum": reference}}})
    return {
        "data": {"values": rows},
        "width": 420,
        "height": 150,
        "layer": [*layers, *(_rules(marks, x, (str(rows[0]["x"]), max(str(row["x"]) for row in rows))) if timed else [])],
    }


def _whole(counts: Sequence[float]) -> dict[str, Any]:
    """Ticks at whole numbers: of few, each; the drawing library would put halves between them, and write these as whole ones."""
    most = round(max(counts))
    return {"values": list(range(max(most, 1) + 1))} if most <= _FEW else {"tickMinStep": 1}


def _rules(marks: Sequence[tuple[int, Mark]], x: Mapping[str, Any], span: tuple[str, str]) -> Iterator[dict[str, Any]]:
    """A line for each mark, with its number above; marks that lie too close together for two numbers share them."""
    first, last = (datetime.fromisoformat(end[:16]) for end in span)
    near = (last - first) / _ROOM
    groups: list[list[tuple[int, Mark]]] = []
    for place, mark in marks:
        if groups and _moment(mark) - _moment(groups[-1][0][1]) < near:
            groups[-1].append((place, mark))
        else:
            groups.append([(place, mark)])
    for group in groups:
        gravest = max((mark for _, mark in group), key=lambda mark: _DRAWN.index(mark.kind))
        at = {"data": {"values": [{"x": group[0][1].begins[:16], "label": ", ".join(str(place) for place, _ in group)}]}}
        colour = f"var(--{MARKED[gravest.kind]})"
        yield {**at, "mark": {"type": "rule", "color": colour, "strokeDash": [4, 3], "strokeWidth": 1.5}, "encoding": {"x": x}}
        text = {"type": "text", "color": colour, "dy": -7, "fontWeight": "bold", "fontSize": 12}
        yield {**at, "mark": text, "encoding": {"x": x, "y": {"value": 0}, "text": {"field": "label"}}}


def _moment(mark: Mark) -> datetime:
    return datetime.fromisoformat(mark.begins[:16])
