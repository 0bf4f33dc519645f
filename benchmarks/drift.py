"""Drift over many rows: the monitor's pass and verdict, beside the same comparison written by hand in NumPy, and the memory that it takes.

    python benchmarks/drift.py [ROWS [COLUMNS [PARTITIONS]]]        (1,000,000 and 20; 10 partitions, and 100 are 100 million rows)

By hand: for each column, sort the rows, take Kolmogorov and Smirnov's distance from the sorted reference, Wasserstein's distance and its p-value by SciPy. The
monitor's bins, moments, p-values, verdicts and pictures are all in its time. Then partitions of so many rows, each made, summarised, merged
and forgotten: the time of each and the memory of the whole process.
"""

from __future__ import annotations

import resource
import sys
import time

import numpy as np
import polars as pl
from scipy import stats

from mlforge.builtin.monitors.drift import Drift
from mlforge.contract import Contract
from mlforge.reference import pack
from mlforge.task import TASKS
from mlforge.window import Profile, Window

REFERENCE = 26_000
ROUNDS = 3


def by_hand(reference: dict[str, np.ndarray], frame: pl.DataFrame) -> int:
    """How many columns have drifted."""
    found = 0
    for name, one in reference.items():
        values = np.sort(frame[name].to_numpy())
        n, m = len(values), len(one)
        both = np.concatenate([one, values])
        both.sort(kind="stable")
        apart = np.searchsorted(values, both, side="right") / n - np.searchsorted(one, both, side="right") / m
        distance, moved = np.abs(apart).max(), (np.abs(apart[:-1]) * np.diff(both)).sum() / one.std()
        p = stats.kstwobign.sf(distance * (n * m / (n + m)) ** 0.5)
        found += p * len(reference) <= 0.0329 and moved >= 0.05
    return found


def main() -> None:
    given = ((1, 1_000_000), (2, 20), (3, 10))
    rows, columns, partitions = (int(sys.argv[place]) if len(sys.argv) > place else default for place, default in given)
    random = np.random.default_rng(0)
    names = [f"x{i}" for i in range(columns)]
    contract = Contract.model_validate({"columns": {name: {"dtype": "float"} for name in names} | {"y": {"dtype": "category", "role": "target"}}})

    def window(frame: pl.DataFrame, reference: Profile | None = None) -> Window:
        return Window("live", frame, contract, TASKS["classification"], reference=reference)

    train = pl.DataFrame({name: random.normal(size=REFERENCE) for name in names})
    monitor = Drift()
    reference = monitor.summarise(window(train, monitor.summarise(window(train))))
    frame = pl.DataFrame({name: random.normal(size=rows) for name in names}).with_columns(pl.col("x3") + 0.1)
    ordered = {name: np.sort(train[name].to_numpy()) for name in names}
    ours, theirs = [], []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        told = {finding.name: finding.value for finding in monitor.findings(monitor.summarise(window(frame, reference)), reference)}
        ours.append(time.perf_counter() - began)
        began = time.perf_counter()
        found = by_hand(ordered, frame)
        theirs.append(time.perf_counter() - began)
        assert told["drift/columns"] == found == 1
    print(f"{rows:,} rows × {columns} columns, best of {ROUNDS}: mlforge {min(ours):.2f} s, by hand {min(theirs):.2f} s, ratio {min(ours) / min(theirs):.2f}")
    merging(monitor, reference, frame, window)
    kept = min(ours) <= 2 * min(theirs)
    del frame
    kept &= streaming(monitor, reference, window, rows, names, partitions)
    raise SystemExit(0 if kept else 1)


def merging(monitor: Drift, reference: Profile, frame: pl.DataFrame, window: object) -> None:
    """Profiles of partitions, merged: their size, the time of a merge, and the memory after each."""
    assert callable(window)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    whole = monitor.summarise(window(frame, reference))
    one = monitor.summarise(window(frame, reference))
    took = []
    for _ in range(20):
        began = time.perf_counter()
        whole = monitor.merge(whole, one)
        took.append(time.perf_counter() - began)
    size = sum(table.estimated_size() for table in whole.tables.values())
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(f"a window's profile: {size / len(frame.columns) / 1024:.1f} KiB a column in memory, {len(pack(whole)) / 1024:.1f} KiB kept in all; "
          f"the reference {len(pack(reference)) / 1024:.1f} KiB in all")  # fmt: skip
    print(
        f"a merge takes {1000 * min(took):.2f} ms at best, {1000 * sorted(took)[10]:.2f} ms in the middle; 20 more partitions took {grown:.0f} MiB more memory"
    )


def streaming(monitor: Drift, reference: Profile, window: object, rows: int, names: list[str], partitions: int) -> bool:
    """Any number of rows, one partition at a time; is the memory within a GiB."""
    assert callable(window)
    random, whole, spent = np.random.default_rng(1), None, 0.0
    for _ in range(partitions):
        frame = pl.DataFrame({name: random.standard_normal(rows) for name in names})
        began = time.perf_counter()
        one = monitor.summarise(window(frame, reference))
        whole = one if whole is None else monitor.merge(whole, one)
        spent += time.perf_counter() - began
        del frame
    assert whole is not None
    told = {finding.name: finding for finding in monitor.findings(whole, reference)}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{partitions} partitions, {told['drift/columns'].rows:,} rows: {spent / partitions:.2f} s each, {peak:,.0f} MiB at most in the whole process")
    return peak <= 1024


if __name__ == "__main__":
    main()
