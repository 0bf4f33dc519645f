"""A page with the percentile curves, which needs nothing but itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlforge.report.charts import Chart
from mlforge.report.figures import duration
from mlforge.report.markup import document, figure, sheet, table, text
from mlforge.serving.bench.job import Measured
from mlforge.serving.bench.verdict import TITLES, cells, missed

__all__ = ["bench_page"]

_COLOURS = ("var(--mark)", "var(--warn)", "var(--yes)", "var(--no)", "var(--ink)")
_AXIS = "datum.value == 1 ? 'min' : format(100 * (1 - 1 / datum.value), '~r') + ' %'"


def bench_page(subject: str, measured: Sequence[Measured], objective: float | None) -> str:
    """The page as text; `objective` in seconds."""
    broken = [one for one in measured if missed(one, objective)]
    said = f"p99 ≤ {duration(objective)} " + ("is missed" if broken else "is kept") if objective is not None else "No objective is declared (serve.slo.p99_ms)"
    kind = "no" if broken else "yes" if objective is not None else ""
    verdict = f'<section class="sheet verdict {kind}"><p class="lead"><b>{text(said)}.</b></p>{_reasons(broken, objective)}</section>'
    parts = [f"<h1>{text(subject)}</h1>", verdict, _curves(measured, objective), _table(measured, objective)]
    return document(subject, parts)


def _reasons(broken: Sequence[Measured], objective: float | None) -> str:
    return "".join(f"<p>{text(f'{one.round}: {missed(one, objective)}')}</p>" for one in broken)


def _curves(measured: Sequence[Measured], objective: float | None) -> str:
    """A picture for each count of rows."""
    pictures = []
    for rows in sorted({one.round.rows for one in measured}):
        shown = [one for one in measured if one.round.rows == rows and one.curve]
        title = f"Latency of requests of {rows} row{'s' * (rows > 1)}"
        pictures.append(figure(Chart("latency", title, _curve(shown, objective))) if shown else "")
    if not any(pictures):
        return '<section class="sheet"><p class="soft">Pictures need vl-convert-python: pip install \'mlforge[report]\'.</p></section>'
    note = "So many of a hundred answers came within the time. In a closed loop a server that pauses is not asked meanwhile; in an open loop it is."
    return sheet("Percentiles", f'<p class="soft">{note}</p><div class="charts">{"".join(pictures)}</div>')


def _curve(measured: Sequence[Measured], objective: float | None) -> dict[str, Any]:
    names = [str(one.round).rpartition(", ")[0] for one in measured]
    points = [{"of": name, "x": 1 / (1 - share), "y": 1000 * time} for one, name in zip(measured, names, strict=True) for share, time in one.curve]
    colours = [_COLOURS[place % len(_COLOURS)] for place in range(len(names))]
    encoding = {
        "x": {
            "field": "x",
            "type": "quantitative",
            "title": "share of answers",
            "scale": {"type": "log"},
            "axis": {"labelExpr": _AXIS, "values": [1, 2, 10, 100, 1000, 10000]},
        },
        "y": {"field": "y", "type": "quantitative", "title": "milliseconds", "scale": {"type": "log"}, "axis": {"tickCount": 6}},
        "color": {"field": "of", "type": "nominal", "sort": names, "scale": {"domain": names, "range": colours}, "legend": {"columns": 2, "labelLimit": 300}},
    }
    layers: list[dict[str, Any]] = [{"data": {"values": points}, "mark": {"type": "line"}, "encoding": encoding}]
    if objective is not None:
        mark = {"type": "rule", "color": "var(--soft)", "strokeDash": [4, 4]}
        layers.append({"data": {"values": [{"y": 1000 * objective}]}, "mark": mark, "encoding": {"y": {"field": "y", "type": "quantitative"}}})
    return {"width": 420, "height": 260, "layer": layers}


def _table(measured: Sequence[Measured], objective: float | None) -> str:
    lines = ["<tr>" + "".join(f'<td class="number">{text(cell)}</td>' for cell in cells(one, objective)) + "</tr>" for one in measured]
    return sheet("Rounds", table(TITLES, lines))
