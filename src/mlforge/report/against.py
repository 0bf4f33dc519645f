"""Columns of one window beside the reference: shares of categories, and how far the rows have come at each value."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from mlforge.finding import Finding
from mlforge.report.charts import Chart
from mlforge.report.figures import measured
from mlforge.report.windows import WindowView

__all__ = ["pictures"]

_MOST = 24  # columns that are drawn
_LONG = 24  # letters of a category's name


def pictures(window: WindowView) -> Iterator[Chart]:
    """Each column's shares in the reference and in the window; those that alarm first, then those that moved most."""
    found = [finding for finding in window.findings if "/column/" in finding.name and "picture" in finding.evidence and finding.value is not None]
    for finding in sorted(found, key=lambda one: (one.severity == "info", -(one.value or 0.0), one.name))[:_MOST]:
        share = finding.value or 0.0
        moved = measured(finding) if finding.unit else f"{share:.0%} of its rows" if share >= 0.1 else f"{100 * share:.2g}% of its rows"
        alarm = " · alarm" if finding.severity != "info" else ""
        yield Chart("monitoring", f"{finding.evidence.get('column', finding.name)}: moved by {moved}{alarm}", _shares(finding))


def _shares(finding: Finding) -> dict[str, Any]:
    picture = finding.evidence["picture"]
    colour = {"field": "of", "type": "nominal", "scale": {"domain": ["reference", "window"], "range": ["var(--soft)", "var(--mark)"]}}
    if "labels" in picture:
        rows = [
            {"what": label if len(label) <= _LONG else f"{label[: _LONG - 1]}…", "share": picture[of][place], "of": of}
            for place, label in enumerate(picture["labels"])
            for of in ("reference", "window")
            if picture["reference"][place] + picture["window"][place] > 0
        ][:32]
        bars = {
            "y": {"field": "what", "title": None, "sort": None},
            "x": {"field": "share", "type": "quantitative", "title": "share of rows", "axis": {"tickCount": 4}},
        }
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
