"""The page of a run as Markdown: for pull requests, tickets and terminals."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from mlforge.report.figures import duration, number
from mlforge.report.page import sentence
from mlforge.report.tables import tabulated
from mlforge.report.view import RunView
from mlforge.secrets import mask

__all__ = ["run_markdown"]


def run_markdown(run: RunView) -> str:
    """The page as text. What comes from data or recipes cannot make markup."""
    lines = [f"# {_plain(run.recipe)}", "", f"run {_plain(run.run)} · {_plain(run.started)}", "", f"**{_plain(sentence(run))}**"]
    if run.rulings:
        ordered = sorted(run.rulings, key=lambda ruling: ruling.passed)
        rows = [
            ("waits" if ruling.waits else "yes" if ruling.passed else "**no**", _plain(ruling.rule), _plain(ruling.text), number(ruling.margin))
            for ruling in ordered
        ]
        lines += ["", "## Gates", "", *_table(("", "rule", "what was found", "margin"), rows)]
    stages = [
        (_plain(stage.name), _plain(stage.state), duration(stage.seconds), " ".join(_plain(digest[:12]) for digest in stage.outputs.values()))
        for stage in run.stages
    ]
    lines += ["", "## Stages", "", *_table(("stage", "state", "time", "outputs"), stages)]
    for stage in run.stages:
        shown = [finding for finding in stage.findings if not finding.name.startswith("gate/")]
        if shown:
            table = tabulated(shown)
            cells = [(_plain(name), *("" if cell is None else _plain(cell.text) for cell in row)) for name, row in table.rows]
            lines += ["", f"## Findings of {_plain(stage.name)}", "", *_table(("", *map(_plain, table.columns)), cells)]
    if run.quarantine:
        rejected = [(_plain(reason), f"{count:,}") for reason, count in list(run.quarantine.items())[:10]]
        lines += ["", "## Quarantine", "", *_table(("reason", "rows"), rejected)]
    if run.warnings:
        lines += ["", "## Warnings", "", *(f"- {_plain(warning)}" for warning in run.warnings)]
    if run.next:
        lines += ["", "## Next", "", *(f"    {mask(command)}" for command in run.next)]
    return "\n".join(lines) + "\n"


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [_row(titles), _row(["---"] * len(titles)), *(_row(row) for row in rows)]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _plain(text: str) -> str:
    """Text in which nothing is markup, on one line."""
    return re.sub(r"([\\`*_\[\]<>|#])", r"\\\1", " ".join(mask(text).split()))
