"""The page of a run as Markdown: for pull requests, tickets and terminals."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from mlforge.finding import Finding
from mlforge.report.figures import duration, number
from mlforge.report.names import spoken
from mlforge.report.page import sentence
from mlforge.report.tables import tabulated
from mlforge.report.topics import TOPICS, Topic, by_topic
from mlforge.report.verdict import in_plain_words
from mlforge.report.view import RunView
from mlforge.secrets import mask

__all__ = ["plain", "run_markdown", "table"]

_LONG = 15  # lines of a table from which on it is folded
_NOTES = 5  # sentences under a table


def run_markdown(run: RunView) -> str:
    """The page as text: verdict and rules first, then what was found, topic by topic. What comes from data or recipes cannot make markup."""
    lines = [f"# {plain(run.recipe)}", "", f"run {plain(run.run)} · {plain(run.started)}", "", f"**{plain(sentence(run))}**"]
    said = in_plain_words([finding for stage in run.stages for finding in stage.findings])
    lines += ["", plain(said)] if said else []
    lines += _gates(run)
    found = by_topic(run.stages)
    for topic in TOPICS:
        lines += _topic(topic, found[topic.name])
    if run.quarantine:
        rejected = [(plain(reason), f"{count:,}") for reason, count in list(run.quarantine.items())[:10]]
        lines += ["", "## Quarantine", "", *table(("reason", "rows"), rejected)]
    stages = [
        (plain(stage.name), plain(stage.state), duration(stage.seconds), " ".join(plain(digest[:12]) for digest in stage.outputs.values()))
        for stage in run.stages
    ]
    lines += ["", "## Stages", "", *_folded("what ran, and what it made", table(("stage", "state", "time", "outputs"), stages))]
    if run.warnings:
        lines += ["", "## Warnings", "", *(f"- {plain(warning)}" for warning in run.warnings)]
    if run.next:
        lines += ["", "## Next", "", *(f"    {mask(command)}" for command in run.next)]
    return "\n".join(lines) + "\n"


def _gates(run: RunView) -> Iterator[str]:
    """Broken rules first."""
    if not run.rulings:
        return
    rows = [
        ("waits" if ruling.waits else "yes" if ruling.passed else "**no**", plain(ruling.rule), plain(ruling.text), number(ruling.margin))
        for ruling in sorted(run.rulings, key=lambda ruling: ruling.passed)
    ]
    yield from ("", "## Gates", "", *table(("", "rule", "what was found", "margin"), rows))


def _topic(topic: Topic, findings: Sequence[Finding]) -> Iterator[str]:
    """What was found of one thing; a long table is folded, as pull requests show it."""
    if not findings:
        return
    told = tabulated(findings)
    rows = [(_named(name), *("" if cell is None else plain(cell.text) for cell in row)) for name, row in told.rows]
    lines = table(("", *map(plain, told.columns)), rows)
    yield from ("", f"## {topic.title}", "")
    if topic.what:
        yield from (topic.what, "")
    long = len(rows) > _LONG
    yield from _folded(f"all {len(rows)} measurements", lines) if long else lines
    notes = [finding for finding in findings if finding.severity != "info" and finding.text and finding.subject != "champion"]
    if notes:
        yield ""
        yield from (f"- {plain(finding.name)}: {plain(finding.text)}" for finding in notes[:_NOTES])


def _folded(summary: str, lines: Sequence[str]) -> Iterator[str]:
    yield from (f"<details><summary>{summary}</summary>", "", *lines, "", "</details>")


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
