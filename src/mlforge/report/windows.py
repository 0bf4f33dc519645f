"""What the page of a model's monitors is made of: windows, and what happened beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mlforge.finding import Finding

__all__ = ["LEFT_OUT", "Mark", "MarkKind", "WindowView"]

LEFT_OUT = ("/column/", "quality/missing/")
"""Findings of single columns, which the family's finding names."""

MarkKind = Literal["version", "champion", "rollback", "retraining", "alert"]


@dataclass(frozen=True, slots=True)
class WindowView:
    """One window, as far as a page shows it."""

    windows: str  # "daily windows"
    group: str
    begins: str  # ISO 8601; empty for windows by number
    number: int
    rows: int
    findings: tuple[Finding, ...]
    ends: str = ""  # ISO 8601

    @property
    def when(self) -> str:
        """As a person reads it."""
        told = self.begins.removesuffix("T00:00") if len(self.begins) == 16 and (not self.ends or self.ends.endswith("T00:00")) else self.begins
        return told.replace("T", " ") or f"window {self.number + 1}"

    @property
    def alarms(self) -> tuple[Finding, ...]:
        """The findings that are alarms."""
        return tuple(finding for finding in self.findings if finding.severity != "info")

    @property
    def family(self) -> list[Finding]:
        """The alarms without those of single columns."""
        return [finding for finding in self.alarms if not any(part in finding.name for part in LEFT_OUT)]


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened beside the windows: a version, a promotion, a retraining, a rollback, an alert."""

    begins: str  # ISO 8601
    text: str
    kind: MarkKind = "version"
    command: str = ""  # that tells more
