"""Whole processes raced in turn, A B C, then B C A, …: medians, and the median of the ratios within a round, so that a drifting machine cancels out."""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Contender:
    """One command; `before` prepares a run and is not timed, `figures` reads what the run has left."""

    name: str
    command: Sequence[str]
    cwd: Path | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    before: Callable[[], None] = lambda: None
    figures: Callable[[str], Mapping[str, float]] = lambda output: {}
    wanted: int = 0  # the exit code


def race(title: str, contenders: Sequence[Contender], base: str, rounds: int = 5, warmup: int = 1) -> list[dict[str, float]]:
    """Run all contenders in turn and print a table; the rows, by name."""
    seen: dict[str, list[dict[str, float]]] = {contender.name: [] for contender in contenders}
    for turn in range(-warmup, rounds):
        ordered = [*contenders[turn % len(contenders) :], *contenders[: turn % len(contenders)]]
        for contender in ordered:
            row = _run(contender)
            if turn >= 0:
                seen[contender.name].append(row)
    print(f"\n### {title}\n")
    measured = sorted({key for rows in seen.values() for row in rows for key in row}, key=lambda key: (key != "wall_s", key != "cpu_s", key))
    print(f"| contender | runs | {' | '.join(measured)} | wall ÷ {base} |")
    print(f"|{'---|' * (len(measured) + 3)}")
    table = []
    for name, rows in seen.items():
        medians = {key: statistics.median(row[key] for row in rows if key in row) for key in measured if any(key in row for row in rows)}
        ratio = statistics.median(row["wall_s"] / other["wall_s"] for row, other in zip(rows, seen[base], strict=True))
        cells = [f"{medians[key]:.3g}" if key in medians else "–" for key in measured]
        lowest = min(row["wall_s"] for row in rows)
        cells[0] += f" (min {lowest:.3g})"
        print(f"| {name} | {len(rows)} | {' | '.join(cells)} | {ratio:.2f} |", flush=True)
        table.append({"name": name, "ratio": ratio, **medians})  # type: ignore[dict-item]
    return table


def _run(contender: Contender) -> dict[str, float]:
    contender.before()
    env = {key: value for key, value in os.environ.items() if key not in ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH")} | dict(contender.env)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    done = subprocess.run(list(contender.command), cwd=contender.cwd, env=env, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    wall = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != contender.wanted:
        raise SystemExit(f"{contender.name}: exit code {done.returncode}, wanted {contender.wanted}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    figures = dict(contender.figures(done.stdout))
    for line in done.stdout.splitlines():
        if line.startswith("BENCH_JSON "):
            figures |= json.loads(line.removeprefix("BENCH_JSON "))
    return {"wall_s": wall, "cpu_s": after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime, **figures}
