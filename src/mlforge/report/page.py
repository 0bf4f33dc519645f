"""The page of a run: one HTML file that needs nothing else, the verdict first."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from mlforge.report.figures import duration, number
from mlforge.report.style import CSS
from mlforge.report.sweep import sweep_sheet
from mlforge.report.tables import Cell, FindingTable, tabulated
from mlforge.report.view import RunView, StageView
from mlforge.secrets import mask

__all__ = ["run_page"]


def run_page(run: RunView) -> str:
    """The page as text. Everything that comes from data or recipes is escaped, and secrets are masked."""
    parts = [
        _head(run),
        _verdict(run),
        _gates(run),
        _stages(run),
        _sweep(run),
        *(_findings(stage) for stage in run.stages),
        _lineage(run),
        _recipe(run),
        _warnings(run),
        _next(run),
    ]
    title = _text(f"{run.recipe} · run {run.run}")
    meta = '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
    head = f'<!doctype html>\n<html lang="en"><head>{meta}<title>{title}</title><style>{CSS}</style></head>'
    return f"{head}<body><main>\n" + "\n".join(part for part in parts if part) + "\n</main></body></html>\n"


def sentence(run: RunView) -> str:
    """The verdict in a sentence."""
    if run.passed is None:
        return "Not judged: the run had no gates, or did not come that far."
    broken = sum(not ruling.passed for ruling in run.rulings)
    judged = f"Passed all {len(run.rulings)} rules of its gates." if run.passed else f"Refused: {broken} of {len(run.rulings)} rules of its gates said no."
    return f"{judged} {f'Registered as {run.registered}.' if run.registered else 'Nothing was registered.'}"


def _text(text: str) -> str:
    """Masked first: an escaped secret would not be known again."""
    return escape(mask(text))


def _head(run: RunView) -> str:
    about = f"<p>{_text(run.description)}</p>" if run.description else ""
    return f'<h1>{_text(run.recipe)}</h1><p class="soft">run {_text(run.run)} · {_text(run.started)}</p>{about}'


def _verdict(run: RunView) -> str:
    tone = {True: "yes", False: "no", None: ""}[run.passed]
    first, _, rest = sentence(run).partition(" ")
    broken = "".join(f"<p>{_text(ruling.rule)}: {_text(ruling.text)}</p>" for ruling in run.rulings if not ruling.passed)
    return f'<section class="sheet verdict {tone}"><p class="lead"><b>{_text(first)}</b> {_text(rest)}</p>{broken}</section>'


def _gates(run: RunView) -> str:
    rows = [
        f'<tr><td class="number {"yes" if ruling.passed else "no"}">{"✓ yes" if ruling.passed else "✗ no"}</td>'
        f"<td>{_text(ruling.rule)}</td><td>{_text(ruling.text)}</td><td class=number>{_text(number(ruling.margin))}</td></tr>"
        for ruling in sorted(run.rulings, key=lambda ruling: ruling.passed)
    ]
    return _sheet("Gates", _table(("", "rule", "what was found", "margin"), rows)) if rows else ""


def _stages(run: RunView) -> str:
    rows = [
        f"<tr><td>{_text(stage.name)}</td><td>{_text(stage.state)}</td><td class=number>{_text(duration(stage.seconds))}</td><td>{_outputs(stage)}</td></tr>"
        for stage in run.stages
    ]
    return _sheet("Stages", _table(("stage", "state", "time", "outputs"), rows))


def _sweep(run: RunView) -> str:
    return sweep_sheet(run.sweep) if run.sweep is not None else ""


def _outputs(stage: StageView) -> str:
    return " ".join(f'<span title="{_text(digest)}">{_text(port)} <code>{_text(digest[:12])}</code></span>' for port, digest in stage.outputs.items())


def _findings(stage: StageView) -> str:
    shown = [finding for finding in stage.findings if not finding.name.startswith("gate/")]  # the gates have a table of their own
    if not shown:
        return ""
    table = tabulated(shown)
    notes = "" if len(table.columns) == 1 else "".join(f'<p class="soft">{_text(note)}</p>' for note in table.notes[:8])
    ways = sorted({finding.interval for finding in shown if finding.interval})
    how = f'<p class="soft">In brackets: {_text("; ".join(ways))}.</p>' if ways else ""
    return _sheet(f"Findings of {stage.name}", _finding_table(table) + how + notes)


def _finding_table(table: FindingTable) -> str:
    """With one column, what the findings say stands beside their values; with more, below the table."""
    alone = len(table.columns) == 1
    rows = [
        f"<tr><td>{_text(name)}</td>{''.join(_cell(cell) for cell in cells)}{''.join(_said(cell) for cell in cells) if alone else ''}</tr>"
        for name, cells in table.rows
    ]
    return _table(("", *table.columns, *([""] if alone else [])), rows)


def _said(cell: Cell | None) -> str:
    return f'<td class="soft">{_text(cell.sentence if cell else "")}</td>'


def _cell(cell: Cell | None) -> str:
    return "<td></td>" if cell is None else f'<td class="number {cell.tone}" title="{_text(cell.title)}">{_text(cell.text)}</td>'


def _lineage(run: RunView) -> str:
    rejected = sum(run.quarantine.values())
    known = [("rows", number(run.rows))] if run.rows is not None else []
    known += [("in quarantine", f"{rejected:,}")] if run.rows is not None or rejected else []
    known += [(f"· {reason}", f"{count:,}") for reason, count in list(run.quarantine.items())[:10]]
    known += [("compared with", run.champion)] if run.champion else []
    known += [("registered", run.registered)] if run.registered else []
    return _sheet("Lineage", _pairs(known)) if known else ""


def _recipe(run: RunView) -> str:
    chosen = _pairs(list(run.options.items()) + ([("overrides", " ".join(run.overrides))] if run.overrides else []))
    whole = f"<details><summary>the composed recipe</summary><pre>{_text(run.source)}</pre></details>" if run.source else ""
    return _sheet("Recipe", chosen + whole) if run.options or whole else ""


def _warnings(run: RunView) -> str:
    return _sheet("Warnings", "".join(f"<p>{_text(warning)}</p>" for warning in run.warnings)) if run.warnings else ""


def _next(run: RunView) -> str:
    return _sheet("Next", "".join(f"<p><code>{_text(command)}</code></p>" for command in run.next)) if run.next else ""


def _sheet(title: str, body: str) -> str:
    return f'<section class="sheet"><h2>{_text(title)}</h2>{body}</section>'


def _pairs(pairs: Iterable[tuple[str, str]]) -> str:
    return "<dl>" + "".join(f"<dt>{_text(name)}</dt><dd>{_text(text)}</dd>" for name, text in pairs) + "</dl>"


def _table(titles: tuple[str, ...], rows: list[str]) -> str:
    head = "".join(f"<th>{_text(title)}</th>" for title in titles)
    return f'<div class="wide"><table><tr>{head}</tr>{"".join(rows)}</table></div>'
