"""Findings as tables: one row for a measurement, one column for whom it is about."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mlforge.finding import Finding
from mlforge.report.figures import measured

__all__ = ["Cell", "FindingTable", "tabulated"]


@dataclass(frozen=True, slots=True)
class Cell:
    """One measurement as it is shown."""

    text: str
    title: str = ""  # how the interval was made, over how many rows; or why there is no value
    tone: str = ""  # "warning", "critical"
    sentence: str = ""  # what the finding says of itself


@dataclass(frozen=True, slots=True)
class FindingTable:
    """A stage's findings."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell | None, ...]], ...]  # the measurement's name, and a cell per column
    notes: tuple[str, ...] = ()  # sentences that findings carry, each once, with whom they are about


def tabulated(findings: Iterable[Finding]) -> FindingTable:
    """Names down, subjects and variants across; a gain stands in the row of its metric."""
    cells: dict[str, dict[str, Cell]] = {}
    columns: dict[str, None] = {}
    notes: dict[str, list[str]] = {}
    for finding in findings:
        name, column = _place(finding)
        columns.setdefault(column)
        cells.setdefault(name, {})[column] = Cell(measured(finding), _title(finding), "" if finding.severity == "info" else finding.severity, finding.text)
        if finding.text:
            notes.setdefault(finding.text, []).append(f"{name} ({column})")
    ordered = sorted(columns, key=lambda column: _ORDER.index(column.split()[0]) if column.split()[0] in _ORDER else len(_ORDER))
    rows = tuple((name, tuple(by_column.get(column) for column in ordered)) for name, by_column in cells.items())
    return FindingTable(tuple(ordered), rows, tuple(f"{_several(about)}: {text}" for text, about in notes.items()))


_ORDER = ("data", "candidate", "champion", "gain", "baseline")


def _several(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def _place(finding: Finding) -> tuple[str, str]:
    variant = f" {finding.variant}" if finding.variant else ""
    if finding.name.endswith("/gain"):
        return finding.name.removesuffix("/gain"), f"gain{variant}"
    return finding.name, f"{finding.subject}{variant}"


def _title(finding: Finding) -> str:
    rows = "" if finding.rows is None else f"{finding.rows:,} rows"
    p_value = finding.evidence.get("p_value")
    chance = "" if p_value is None else f"p = {p_value:.2g}"
    return " · ".join(part for part in (finding.text, finding.interval, chance, rows) if part)
