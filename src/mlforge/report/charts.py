"""Charts of findings: Vega-Lite specifications, drawn once as SVG, so that a page needs no script and no network.

Colours are the page's own (CSS variables), so that a chart is as light or dark as the page around it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlforge.finding import Finding

__all__ = ["Chart", "charts", "drawn", "training"]

Spec = dict[str, Any]
Rows = list[dict[str, Any]]

_WIDTH, _HEIGHT = 300, 200
_MOST = 30  # groups of one chart
_CONFIG: Spec = {
    "font": "Arial, Liberation Sans, Helvetica, sans-serif",  # whose widths the drawing library knows
    "axis": {"labelColor": "var(--soft)", "titleColor": "var(--soft)", "gridColor": "var(--line)", "domainColor": "var(--line)", "tickColor": "var(--line)",
             "titleFontWeight": "normal", "labelFontSize": 11, "titleFontSize": 11},
    "legend": {"labelColor": "var(--soft)", "titleColor": "var(--soft)", "orient": "bottom", "title": None},
    "view": {"stroke": None},
    "line": {"color": "var(--mark)", "strokeWidth": 2}, "bar": {"color": "var(--mark)"}, "point": {"color": "var(--mark)", "filled": True, "size": 40},
    "rule": {"color": "var(--mark)"}, "text": {"color": "var(--ink)"},
}  # fmt: skip


@dataclass(frozen=True)
class Chart:
    """One picture, and what it says to those who cannot see it."""

    topic: str
    title: str
    spec: Spec


def charts(findings: Sequence[Finding]) -> Iterator[Chart]:
    """The charts that these findings have the evidence for."""
    by_name = {finding.name.partition("/")[2]: finding for finding in findings if finding.subject in ("candidate", "data")}
    if (one := by_name.get("roc_auc")) and "curve" in one.evidence:
        yield Chart("performance", "Hits against false alarms", _curve(one.evidence["curve"], "share of false alarms", "share of hits", diagonal=True))
    if (one := by_name.get("pr_auc")) and "curve" in one.evidence:
        yield Chart("performance", "Precision against recall", _curve(one.evidence["curve"], "recall", "precision"))
    if (one := by_name.get("ece")) and "bins" in one.evidence:
        rows = [{"x": cell["said"], "y": cell["true"]} for cell in one.evidence["bins"]]
        curve = _curve(rows, "probability that was said", "share that came true", diagonal=True, points=True)
        yield Chart("performance", "What was said against what came true", curve)
    if (one := by_name.get("accuracy")) and "confusion" in one.evidence:
        yield Chart("performance", "Classes, and what was predicted", _confusion(one.evidence["classes"], one.evidence["confusion"]))
    if (one := by_name.get("r2")) and "scatter" in one.evidence:
        yield Chart("performance", "Predicted against true", _scatter(one.evidence["scatter"], one.evidence.get("target", "target")))
    yield from _ranges("slices", "by slice, the worst first", findings)
    yield from _ranges("segments", "in the weak parts that were found", findings)
    yield from _fairness(findings)
    yield from _importance(findings)
    yield from _shap(findings)


def drawn(chart: Chart) -> str:
    """The picture as SVG; nothing where the library that draws is not installed."""
    try:
        from vl_convert import vegalite_to_svg
    except ImportError:
        return ""
    spec = {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "background": None,
        "width": _WIDTH,
        "height": _HEIGHT,
        "config": _CONFIG,
        **chart.spec,
    }
    svg = str(vegalite_to_svg(spec))
    return re.sub(
        r'<svg [^>]*?width="([\d.]+)" height="([\d.]+)"',
        r'<svg class="chart" role="img" width="\1" height="\2" xmlns="http://www.w3.org/2000/svg"',
        svg,
        count=1,
    )


def training(curves: Sequence[tuple[int, str, float]]) -> Chart:
    """Losses and measures over the epochs."""
    rows = [{"epoch": epoch, "value": value, "of": name.partition("/")[0]} for epoch, name, value in curves if name.endswith("/loss")]
    colour = {"field": "of", "scale": {"range": ["var(--soft)", "var(--mark)"], "domain": ["train", "validation"]}}
    spec = {
        "mark": {"type": "line", "point": len(rows) < 40},
        "encoding": {"x": _axis("epoch", "epoch", zero=False), "y": _axis("value", "loss", zero=False), "color": colour},
    }
    return Chart("training", "Loss by epoch", {"data": {"values": rows}, **spec})


def _axis(field: str, title: str, *, zero: bool = True, domain: Sequence[float] | None = None) -> Spec:
    scale: Spec = {"zero": zero} | ({"domain": list(domain)} if domain else {})
    return {"field": field, "type": "quantitative", "title": title, "scale": scale, "axis": {"tickCount": 5}}


def _curve(rows: Any, x: str, y: str, *, diagonal: bool = False, points: bool = False) -> Spec:
    values = [dict(row) if isinstance(row, Mapping) else {"x": row[0], "y": row[1]} for row in rows]
    encoding = {"x": _axis("x", x, domain=(0, 1)), "y": _axis("y", y, domain=(0, 1)), "order": {"field": "x", "type": "quantitative"}}
    line: Spec = {"data": {"values": values}, "mark": {"type": "line", "point": points}, "encoding": encoding}
    ends = [{"x": 0, "y": 0}, {"x": 1, "y": 1}]
    even: Spec = {"data": {"values": ends}, "mark": {"type": "line", "color": "var(--soft)", "strokeDash": [4, 4], "strokeWidth": 1}, "encoding": encoding}
    return {"layer": [even, line] if diagonal else [line]}


def _confusion(classes: Sequence[str], matrix: Sequence[Sequence[int]]) -> Spec:
    rows = []
    for true, line in zip(classes, matrix, strict=True):
        of = sum(line)
        rows += [{"true": str(true), "said": str(said), "rows": count, "share": count / of if of else 0} for said, count in zip(classes, line, strict=True)]
    base = {"x": {"field": "said", "title": "predicted", "axis": {"labelAngle": 0 if len(classes) < 6 else -60}}, "y": {"field": "true", "title": "true"}}
    shade = {"field": "share", "type": "quantitative", "scale": {"range": [0.04, 0.5], "domain": [0, 1]}, "legend": None}
    cells: Spec = {"mark": {"type": "rect", "color": "var(--mark)"}, "encoding": {**base, "opacity": shade}}
    text: Spec = {"mark": {"type": "text", "fontSize": 11}, "encoding": {**base, "text": {"field": "rows", "format": ","}}}
    return {"data": {"values": rows}, "layer": [cells, text] if len(classes) <= 12 else [cells]}


def _scatter(rows: Any, target: str) -> Spec:
    values = [{"x": one[0], "y": one[1]} for one in rows]
    ends = [min(min(one["x"], one["y"]) for one in values), max(max(one["x"], one["y"]) for one in values)]
    encoding = {"x": _axis("x", f"true {target}", zero=False, domain=ends), "y": _axis("y", f"predicted {target}", zero=False, domain=ends)}
    even: Spec = {
        "data": {"values": [{"x": end, "y": end} for end in ends]},
        "mark": {"type": "line", "color": "var(--soft)", "strokeDash": [4, 4], "strokeWidth": 1},
        "encoding": encoding,
    }
    return {"layer": [even, {"data": {"values": values}, "mark": {"type": "point", "opacity": 0.4, "size": 15}, "encoding": encoding}]}


def _dots(rows: Rows, title: str, *, zero: bool = False) -> Spec:
    """Values with their intervals, a line each, in the order given."""
    y = {"field": "what", "title": None, "sort": None, "axis": {"labelLimit": 220}}
    ends: Spec = {
        "mark": {"type": "rule", "strokeWidth": 2, "opacity": 0.5},
        "encoding": {"y": y, "x": {**_axis("low", title, zero=zero)}, "x2": {"field": "high"}},
    }
    dots: Spec = {"mark": "point", "encoding": {"y": y, "x": _axis("value", title, zero=zero)}}
    return {"data": {"values": rows}, "height": {"step": 20}, "layer": [ends, dots]}


def _row(what: str, finding: Finding) -> dict[str, Any]:
    value = finding.value
    return {"what": what, "value": value, "low": value if finding.low is None else finding.low, "high": value if finding.high is None else finding.high}


def _ranges(part: str, title: str, findings: Sequence[Finding]) -> Iterator[Chart]:
    """One chart for each measure of the slices that were declared, or found; the worst first."""
    by_measure: dict[str, list[Finding]] = {}
    for finding in findings:
        parts = finding.name.split("/")
        if parts[1:2] == [part] and len(parts) > 3 and parts[2] != "worst" and finding.subject == "candidate" and finding.value is not None:
            by_measure.setdefault(parts[-1], []).append(finding)
    for measure, found in by_measure.items():
        worst = sorted(found, key=lambda one: (one.value or 0.0) * (-1 if one.better == "lower" else 1))[:_MOST]
        rows = [_row(" ".join(one.name.split("/")[2:-1]).replace("_", " "), one) for one in worst]
        yield Chart("slices", f"{measure.replace('_', ' ').capitalize()} {title}", _dots(rows, measure.replace("_", " ")))


def _fairness(findings: Sequence[Finding]) -> Iterator[Chart]:
    """The rate of each group behind the first difference of each column."""
    seen: set[str] = set()
    for finding in findings:
        column, _, name = finding.name.partition("/")[2].partition("/")
        if name != "demographic_parity_difference" or finding.subject != "candidate" or column in seen or "groups" not in finding.evidence:
            continue
        seen.add(column)
        rows = [
            {"what": group.replace("*", " · "), "value": one["selection_rate"], "low": one["low"], "high": one["high"]}
            for group, one in finding.evidence["groups"].items()
        ]
        yield Chart("fairness", f"How often each {column.replace('*', ' and ')} is predicted positive", _dots(rows, "share predicted positive", zero=True))


def _importance(findings: Sequence[Finding]) -> Iterator[Chart]:
    found = [one for one in findings if one.name.split("/")[1:2] == ["importance"] and one.subject == "candidate" and one.value is not None]
    if found:
        rows = [_row(one.name.split("/")[-1], one) for one in sorted(found, key=lambda one: -(one.value or 0.0))[:_MOST]]
        yield Chart("explanation", "How much worse the model is without each column", _dots(rows, "loss that is added", zero=True))


def _shap(findings: Sequence[Finding]) -> Iterator[Chart]:
    """A failed explanation has no values, and so no picture."""
    found = [
        one for one in findings if one.name.split("/")[1:2] == ["shap"] and "mean" in one.evidence and one.subject == "candidate" and one.value is not None
    ]
    if found:
        rows = [_row(one.name.split("/")[-1], one) for one in sorted(found, key=lambda one: -(one.value or 0.0))[:_MOST]]
        yield Chart("explanation", "How far each column moves a prediction, on average", _dots(rows, "mean of |Shapley value|", zero=True))
