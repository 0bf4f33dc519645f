"""The page of a run: one HTML file that needs nothing else, the verdict first."""

from __future__ import annotations

import json
from collections.abc import Iterator

from mlforge.components import Ruling
from mlforge.finding import Finding
from mlforge.report.charts import charts, training
from mlforge.report.figures import duration, number
from mlforge.report.markup import document, figure, pairs, sheet, table, text
from mlforge.report.names import spoken
from mlforge.report.sweep import sweep_sheet
from mlforge.report.tables import Cell, FindingTable, tabulated
from mlforge.report.topics import TOPICS, Topic, by_topic
from mlforge.report.verdict import in_plain_words
from mlforge.report.view import RunView, StageView

__all__ = ["run_page"]

_FOLDED = 12  # measurements from which a long table is folded


def run_page(run: RunView) -> str:
    """The page as text. Everything that comes from data or recipes is escaped, and secrets are masked."""
    parts = [
        _head(run),
        _verdict(run),
        _gates(run),
        _sweep(run),
        *_topics(run),
        _lineage(run),
        _stages(run),
        _recipe(run),
        _warnings(run),
        _next(run),
    ]
    return document(f"{run.recipe} · run {run.run}", (part for part in parts if part))


def sentence(run: RunView) -> str:
    """The verdict in a sentence."""
    if run.passed is None:
        return "Not judged: the run had no gates, or did not come that far."
    if run.waits:
        return f"Waits for approval by {' and '.join(run.waits)}. Every other rule of its gates is kept; nothing is registered yet."
    broken = sum(not ruling.passed and not ruling.waits for ruling in run.rulings)
    judged = f"Passed all {len(run.rulings)} rules of its gates." if run.passed else f"Refused: {broken} of {len(run.rulings)} rules of its gates said no."
    return f"{judged} {f'Registered as {run.registered}.' if run.registered else 'Nothing was registered.'}"


def _head(run: RunView) -> str:
    about = f"<p>{text(run.description)}</p>" if run.description else ""
    return f'<h1>{text(run.recipe)}</h1><p class="soft">run {text(run.run)} · {text(run.started)}</p>{about}'


def _verdict(run: RunView) -> str:
    tone = "" if run.waits else {True: "yes", False: "no", None: ""}[run.passed]
    first, _, rest = sentence(run).partition(" ")
    broken = "".join(f"<p>{_about(ruling)}{text(ruling.rule)}: {text(ruling.text)}</p>" for ruling in run.rulings if not ruling.passed)
    said = in_plain_words([finding for stage in run.stages for finding in stage.findings])
    plainly = f"<p>{text(said)}</p>" if said else ""
    return f'<section class="sheet verdict {tone}"><p class="lead"><b>{text(first)}</b> {text(rest)}</p>{plainly}{broken}</section>'


def _about(ruling: Ruling) -> str:
    """What a broken rule is about, in words."""
    known = spoken(ruling.finding)
    return f"{text(known)} · " if known else ""


def _gates(run: RunView) -> str:
    rows = [
        f'<tr><td class="number {_tone(ruling)}">{_answer(ruling)}</td>'
        f'<td>{text(ruling.rule)}</td><td>{text(ruling.text)}</td><td class="number" data-of="margin">{text(number(ruling.margin))}</td></tr>'
        for ruling in sorted(run.rulings, key=lambda ruling: ruling.passed)
    ]
    return sheet("Gates", table(("passed", "rule", "what was found", "margin"), rows, "stacked")) if rows else ""


def _tone(ruling: Ruling) -> str:
    return "" if ruling.waits else "yes" if ruling.passed else "no"


def _answer(ruling: Ruling) -> str:
    return "… waits" if ruling.waits else "✓ yes" if ruling.passed else "✗ no"


def _stages(run: RunView) -> str:
    rows = [
        f"<tr><td>{text(stage.name)}</td><td>{text(stage.state)}</td><td class=number>{text(duration(stage.seconds))}</td><td>{_outputs(stage)}</td></tr>"
        for stage in run.stages
    ]
    return sheet("Stages", table(("stage", "state", "time", "outputs"), rows))


def _sweep(run: RunView) -> str:
    return sweep_sheet(run.sweep) if run.sweep is not None else ""


def _outputs(stage: StageView) -> str:
    return " ".join(f'<span title="{text(digest)}">{text(port)} <code>{text(digest[:12])}</code></span>' for port, digest in stage.outputs.items())


def _topics(run: RunView) -> Iterator[str]:
    found = by_topic(run.stages)
    pictures = list(charts([finding for findings in found.values() for finding in findings]))
    pictures += [training(run.curves)] if run.curves else []
    for topic in TOPICS:
        shown = found[topic.name]
        drawings = [figure(chart) for chart in pictures if chart.topic == topic.name]
        if shown or drawings:
            yield _topic(topic, shown, "".join(drawings))


def _topic(topic: Topic, shown: list[Finding], drawings: str) -> str:
    about = f'<p class="soft">{text(topic.what)}</p>' if topic.what else ""
    gallery = f'<div class="charts">{drawings}</div>' if drawings else ""
    if not shown:
        return sheet(topic.title, about + gallery)
    told = tabulated(shown)
    notes = "" if len(told.columns) == 1 else "".join(f'<p class="soft">{text(note)}</p>' for note in told.notes[:8])
    ways = sorted({finding.interval for finding in shown if finding.interval})
    how = f'<p class="soft">In brackets: {text("; ".join(ways))}.</p>' if ways else ""
    body = _finding_table(told) + how + notes + "".join(_cases(finding) for finding in shown)
    long = topic.folded and len(told.rows) > _FOLDED
    return sheet(topic.title, about + gallery + (f"<details><summary>all {len(told.rows)} measurements</summary>{body}</details>" if long else body))


def _cases(finding: Finding) -> str:
    """The rows behind a finding, as the model was asked about them."""
    cases = finding.evidence.get("cases")
    if not isinstance(cases, list) or not cases:
        return ""
    lines = "\n".join(json.dumps(case, ensure_ascii=False, default=str) for case in cases)
    return f"<details><summary>{len(cases)} rows behind {text(finding.name)}</summary><pre>{text(lines)}</pre></details>"


def _finding_table(told: FindingTable) -> str:
    """With one column, what the findings say stands beside their values; with more, below the table."""
    alone = len(told.columns) == 1
    rows = []
    for name, cells in told.rows:
        values = "".join(_cell(cell, column) for cell, column in zip(cells, told.columns, strict=True))
        rows.append(f"<tr>{_name(name)}{values}{''.join(_said(cell) for cell in cells) if alone else ''}</tr>")
    return table(("measurement", *told.columns, *(["what it says"] if alone else [])), rows, "stacked found")


def _name(name: str) -> str:
    """As people say it, with the name that gates use beside it."""
    known = spoken(name)
    code = f"<code>{text(name)}</code>"
    return f'<th scope="row">{text(known)} {code}</th>' if known else f'<th scope="row">{code}</th>'


def _said(cell: Cell | None) -> str:
    return f'<td class="soft said">{text(cell.sentence if cell else "")}</td>'


def _cell(cell: Cell | None, column: str) -> str:
    """On a phone, where the columns' heads are not shown, each cell says whose it is."""
    of = f'data-of="{text(column)}"'
    return f"<td {of}></td>" if cell is None else f'<td class="number {cell.tone}" {of} title="{text(cell.title)}">{text(cell.text)}</td>'


def _lineage(run: RunView) -> str:
    rejected = sum(run.quarantine.values())
    known = [("rows", number(run.rows))] if run.rows is not None else []
    known += [("in quarantine", f"{rejected:,}")] if run.rows is not None or rejected else []
    known += [(f"· {reason}", f"{count:,}") for reason, count in list(run.quarantine.items())[:10]]
    known += [("compared with", run.champion)] if run.champion else []
    known += [("registered", run.registered)] if run.registered else []
    return sheet("Lineage", pairs(known)) if known else ""


def _recipe(run: RunView) -> str:
    chosen = pairs(list(run.options.items()) + ([("overrides", " ".join(run.overrides))] if run.overrides else []))
    whole = f"<details><summary>the composed recipe</summary><pre>{text(run.source)}</pre></details>" if run.source else ""
    return sheet("Recipe", chosen + whole) if run.options or whole else ""


def _warnings(run: RunView) -> str:
    return sheet("Warnings", "".join(f"<p>{text(warning)}</p>" for warning in run.warnings)) if run.warnings else ""


def _next(run: RunView) -> str:
    return sheet("Next", "".join(f"<p><code>{text(command)}</code></p>" for command in run.next)) if run.next else ""
