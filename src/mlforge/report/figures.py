"""How measurements are written: three digits that matter, and their interval."""

from __future__ import annotations

from math import isfinite, log10

from mlforge.finding import Finding

__all__ = ["duration", "measured", "moment", "number"]

_BYTES = ("bytes", "KB", "MB", "GB", "TB")


def number(value: float | None, unit: str = "") -> str:
    """ "0.874", "812,400 rows", "412 KB"; a dash when there is none."""
    if value is None or not isfinite(value):
        return "–"
    if unit == "bytes":
        place = min(max(int(log10(max(abs(value), 1)) // 3), 0), len(_BYTES) - 1)
        return f"{value / 1000**place:.3g} {_BYTES[place]}"
    if unit == "s":
        return duration(value)
    text = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return f"{text} {unit}".strip().replace("-", "−", 1) if value < 0 else f"{text} {unit}".strip()


def measured(finding: Finding) -> str:
    """The value with its interval: "0.874 [0.869, 0.879]"."""
    if finding.value is None or finding.low is None or finding.high is None:
        return number(finding.value, finding.unit)
    return f"{number(finding.value, finding.unit)} [{number(finding.low)}, {number(finding.high)}]"


def duration(seconds: float | None) -> str:
    """ "3.1 ms", "2.1 s", "4 min 10 s"; nothing when unknown."""
    if seconds is None:
        return ""
    if seconds < 1:
        return f"{1000 * seconds:.3g} ms"
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def moment(iso: str) -> str:
    """ "2026-11-20 03:00 UTC"."""
    return f"{iso[:16].replace('T', ' ')} UTC"
