"""How one column moved, in a sentence: means of numbers, the category that came or went, values that went missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mlforge.finding import Finding
from mlforge.report.figures import number

__all__ = ["moved"]

_SEEN = 0.02  # share of rows below which a category had hardly been there


def moved(finding: Finding) -> str:
    """ "age: its mean went from 48.6 (sd 18.2) to 65.1." """
    evidence = finding.evidence
    parts = [part for part in (_missing(evidence), _mean(evidence) or _category(evidence)) if part]
    return f"{evidence.get('column', finding.name)}: {'; '.join(parts)}." if parts else f"{finding.text}."


def _missing(evidence: Mapping[str, Any]) -> str:
    now, before = evidence.get("missing"), evidence.get("reference_missing")
    if now is None or before is None or abs(now - before) < _SEEN:
        return ""
    return f"missing in {now:.0%} of the rows, and in {before:.0%} before"


def _mean(evidence: Mapping[str, Any]) -> str:
    if "mean" not in evidence or "reference_mean" not in evidence:
        return ""
    spread = f" (sd {number(evidence['reference_sd'])})" if "reference_sd" in evidence else ""
    return f"its mean went from {number(evidence['reference_mean'])}{spread} to {number(evidence['mean'])}"


def _category(evidence: Mapping[str, Any]) -> str:
    """The category whose share changed most."""
    picture = evidence.get("picture") or {}
    labels: Sequence[str] = picture.get("labels", ())
    if not labels:
        return ""
    place = max(range(len(labels)), key=lambda one: abs(picture["window"][one] - picture["reference"][one]))
    before, now = picture["reference"][place], picture["window"][place]
    label = {"other": "values that training had hardly or never seen", "missing": "missing values"}.get(labels[place], labels[place])
    if before < _SEEN <= now:
        return f"{label} came up: {now:.0%} of the rows, and {before:.1%} before"
    return f"{label} went from {before:.0%} to {now:.0%} of the rows"
