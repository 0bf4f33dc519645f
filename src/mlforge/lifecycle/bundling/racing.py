"""How fast graphs are beside each other: in turns, so that what else the machine does slows all of them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mlforge.runtime.bundle import MODEL
from mlforge.runtime.session import Graph

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

__all__ = ["Pace", "race"]

_ROUNDS = 40
_ROUND = 0.004  # seconds that one graph runs in a round, at least one call
_WARM = 0.02  # seconds before the clock runs


@dataclass(frozen=True, slots=True)
class Pace:
    """Of one graph: its median time, and how many times as fast as the first it is."""

    seconds: float
    speedup: float
    low: float  # of the median of the rounds' ratios, 95 %
    high: float


def race(bundles: Mapping[str, Path], rows: pl.DataFrame, threads: int, *, quick: bool = False) -> dict[str, Pace]:
    """Time these bundles' graphs on the same rows, which are ready as arrays: what is in front of a graph takes as long for each."""
    graphs = {name: Graph(folder / MODEL, threads=threads) for name, folder in bundles.items()}
    arrays = {name: graph.fed(rows) for name, graph in graphs.items()}
    calls = {name: _calls(graph, arrays[name]) for name, graph in graphs.items()}
    names, times = list(graphs), {name: list[float]() for name in graphs}
    for number in range(8 if quick else _ROUNDS):
        turn = number % len(names)
        for name in (*names[turn:], *names[:turn]):  # nobody always runs behind the same one
            times[name].append(_timed(graphs[name], arrays[name], calls[name]))
    first = times[names[0]]
    return {name: _pace(first, own, same=name == names[0]) for name, own in times.items()}


def _calls(graph: Graph, arrays: Mapping[str, np.ndarray]) -> int:
    """How many calls make a round; the graph is warm afterwards."""
    began, calls = time.perf_counter(), 0
    while time.perf_counter() - began < _WARM:
        graph.ask(arrays)
        calls += 1
    return max(1, round(calls * _ROUND / _WARM))


def _timed(graph: Graph, arrays: Mapping[str, np.ndarray], calls: int) -> float:
    """Seconds of a call."""
    began = time.perf_counter()
    for _ in range(calls):
        graph.ask(arrays)
    return (time.perf_counter() - began) / calls


def _pace(first: list[float], own: list[float], *, same: bool) -> Pace:
    seconds = sorted(own)[len(own) // 2]
    if same:
        return Pace(seconds, 1.0, 1.0, 1.0)
    ratios = sorted(theirs / mine for theirs, mine in zip(first, own, strict=True))
    count = len(ratios)
    reach = 0.98 * count**0.5  # ranks of the median's 95 % interval: a binomial of a half, as a normal
    low, high = max(0, int(count / 2 - reach)), min(count - 1, int(count / 2 + reach))
    return Pace(seconds, ratios[count // 2], ratios[low], ratios[high])
