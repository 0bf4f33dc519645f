"""What was measured, held against the objective: as findings, and as lines for a person."""

from __future__ import annotations

from collections.abc import Sequence

from mlforge.finding import Finding
from mlforge.report.figures import duration
from mlforge.serving.bench.job import Measured

__all__ = ["TITLES", "cells", "findings", "missed"]

_SHED = "503"
"""What a server answers that refuses more load than its objective bears: told, and no failure."""
_LAGS = 0.1  # of the 99th percentile: from then on the load process is part of what it measures

TITLES = ("loop", "connections", "rows", "asked/s", "answered/s", "p50", "p90", "p99", "p99.9", "max", "errors", "")


def missed(one: Measured, objective: float | None) -> str:
    """Why a round does not keep the objective (seconds); nothing when it does."""
    wrong = {status: count for status, count in one.errors.items() if status != _SHED}
    if wrong:
        return f"{sum(wrong.values()):,} requests failed ({_errors(wrong)})"
    if one.p99 is None:
        return "no request was answered"
    if objective is not None and one.p99 > objective:
        return f"p99 is {duration(one.p99)}, and {duration(objective)} is declared"
    return ""


def findings(measured: Sequence[Measured], objective: float | None) -> list[Finding]:
    """Three a round, of this machine and moment."""
    found: list[Finding] = []
    for one in measured:
        why, name, total = missed(one, objective), one.round.name, one.answered + one.failed
        text = f"{str(one.round).capitalize()}: {_times(one)}; {one.throughput:,.0f} answers/s" + (f"; {why}" if why else "") + "."
        evidence = {"round": one.round.model_dump(), "curve": [list(point) for point in one.curve], "errors": one.errors, "objective": objective}
        found += [
            Finding(
                name=f"{name}/p99", value=one.p99, unit="s", text=text, better="lower", evidence=evidence, severity="warning" if why else "info", volatile=True
            ),
            Finding(name=f"{name}/throughput", value=one.throughput, unit="requests/s", better="higher", volatile=True),
            Finding(name=f"{name}/errors", value=one.failed / total if total else None, text=_errors(one.errors), better="lower", volatile=True),
        ]
    return found


def cells(one: Measured, objective: float | None) -> tuple[str, ...]:
    """A line of the table."""
    times = [duration(value) if value is not None else "–" for value in (one.p50, one.p90, one.p99, one.p999, one.longest)]
    rate = f"{one.round.rate:,.0f}" if one.round.rate is not None else ""
    word = "missed" if missed(one, objective) else "kept" if objective is not None else ""
    lags = one.p99 is not None and one.behind > _LAGS * one.p99
    said = f"{word} · the load process lagged by {duration(one.behind)}".removeprefix(" · ") if lags else word
    return (one.round.loop, str(one.round.connections), str(one.round.rows), rate, f"{one.throughput:,.0f}", *times, _errors(one.errors), said)


def _times(one: Measured) -> str:
    named = (("p50", one.p50), ("p90", one.p90), ("p99", one.p99), ("p99.9", one.p999), ("max", one.longest))
    return ", ".join(f"{name} {duration(value)}" for name, value in named if value is not None) or "no request was answered"


def _errors(errors: dict[str, int]) -> str:
    return ", ".join(f"{count:,} × {status}" for status, count in errors.items())
