"""The page of a run as Markdown: for pull requests, tickets and terminals."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from mlforge.report.figures import duration, number
from mlforge.report.names import spoken
from mlforge.report.page import sentence
from mlforge.report.tables import tabulated
from mlforge.report.verdict import in_plain_words
from mlforge.report.view import RunView
from mlforge.secrets import mask

__all__ = ["plain", "run_markdown", "table"]


def run_markdown(run: RunView) -> str:
    """The page as text. What comes from data or recipes cannot make markup."""
    lines = [f"# {plain(run.recipe)}", "", f"run {plain(run.run)} · {plain(run.started)}", "", f"**{plain(sentence(run))}**"]
    said = in_plain_words([finding for stage in run.stages for finding in stage.findings])
    lines += ["", plain(said)] if said else []
    if run.rulings:
        ordered = sorted(run.rulings, key=lambda ruling: ruling.passed)
        rows = [
            ("waits" if ruling.waits else "yes" if ruling.passed else "**no**", plain(ruling.rule), plain(ruling.text), number(ruling.margin))
            for ruling in ordered
        ]
        lines += ["", "## Gates", "", *table(("", "rule", "what was found", "margin"), rows)]
    stages = [
        (plain(stage.name), plain(stage.state), duration(stage.seconds), " ".join(plain(digest[:12]) for digest in stage.outputs.values()))
        for stage in run.stages
    ]
    lines += ["", "## Stages", "", *table(("stage", "state", "time", "outputs"), stages)]
    for stage in run.stages:
        shown = [finding for finding in stage.findings if not finding.name.startswith("gate/")]
        if shown:
            told = tabulated(shown)
            cells = [(_named(name), *("" if cell is None else plain(cell.text) for cell in row)) for name, row in told.rows]
            lines += ["", f"## Findings of {plain(stage.name)}", "", *table(("", *map(plain, told.columns)), cells)]
    if run.quarantine:
        rejected = [(plain(reason), f"{count:,}") for reason, count in list(run.quarantine.items())[:10]]
        lines += ["", "## Quarantine", "", *table(("reason", "rows"), rejected)]
    if run.warnings:
        lines += ["", "## Warnings", "", *(f"- {plain(warning)}" for warning in run.warnings)]
    if run.next:
        lines += ["", "## Next", "", *(f"    {mask(command)}" for command in run.next)]
    return "\n".join(lines) + "\n"


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a table."""
    return [_row(titles), _row(["---"] * len(titles)), *(_row(row) for row in rows)]


def _named(name: str) -> str:
    """The code name, and what people call it."""
    known = spoken(name)
    return f"{plain(name)}: {plain(known)}" if known else plain(name)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def plain(text: str) -> str:
    """Text in which nothing is markup, on one line."""
    return re.sub(r"([\\`*_\[\]<>|#])", r"\\\1", " ".join(mask(text).split()))
