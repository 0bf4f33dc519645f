"""Do drift alarms keep their promise? False alarms where nothing drifts, and alarms where one column is shifted; beside the rules that others use.

    python benchmarks/alarms.py [--quick]

Everything is drawn with a fixed seed. What is simulated is the monitor `drift` itself: `summarise`, `calibrate` and `findings`, as a run and `mlforge monitor`
call them. A row of the first table is one kind of data; its cells are false alarms in so many windows, and what the promise (one false alarm a month with daily
windows, so 3.29 % of the windows) allows by the 99 % binomial bound. References are drawn anew several times, for a model has only one.

The rules of others, from their documentation (November 2026):
Evidently   a column drifts when Kolmogorov-Smirnov's or chi-squared's p < 0.05 up to 1,000 rows, Wasserstein's distance / sd or Jensen-Shannon's > 0.1 above
NannyML     a column alerts when Jensen-Shannon's distance of the binned shares is > 0.1
PSI         a column drifts when the population stability index over ten bins is >= 0.1
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

os.environ.setdefault("POLARS_MAX_THREADS", "1")  # the cores are shared out already
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import polars as pl
from scipy import stats

from mlforge.builtin.monitors.drift import Drift
from mlforge.contract import Contract
from mlforge.task import TASKS
from mlforge.window import Profile, Window

REFERENCE = 26_000
LEVELS = 100
Made = Callable[[np.random.Generator, int, int], pl.DataFrame]


def normal(random: np.random.Generator, rows: int, columns: int) -> pl.DataFrame:
    return pl.DataFrame({f"x{i}": random.normal(size=rows) for i in range(columns)})


def heavy(random: np.random.Generator, rows: int, columns: int) -> pl.DataFrame:
    """Student's t with three degrees of freedom: its fourth moment is infinite."""
    return pl.DataFrame({f"x{i}": random.standard_t(3, size=rows) for i in range(columns)})


_SHARES = 1 / np.arange(1, LEVELS + 1)
_SHARES /= _SHARES.sum()


def categories(random: np.random.Generator, rows: int, columns: int) -> pl.DataFrame:
    """A hundred levels, as frequent as Zipf's law says."""
    names, reached = pl.Series([f"level {i}" for i in range(LEVELS)]), np.cumsum(_SHARES)
    drawn = (np.minimum(np.searchsorted(reached, random.random(rows)), LEVELS - 1) for _ in range(columns))
    return pl.DataFrame({f"x{i}": names.gather(one) for i, one in enumerate(drawn)})


def mixed(random: np.random.Generator, rows: int, columns: int) -> pl.DataFrame:
    """A third of each."""
    parts = [make(random, rows, columns) for make in (normal, heavy, categories)]
    return pl.DataFrame({f"x{i}": parts[i % 3][f"x{i}"] for i in range(columns)})


KINDS: dict[str, Made] = {"normal": normal, "heavy tails": heavy, "100 levels": categories, "mixed": mixed}


@dataclass
class Model:
    """A drift monitor with its reference, calibrated as the stage does it."""

    probe: Drift
    contract: Contract
    reference: Profile
    findings: list[Any]

    @classmethod
    def of(cls, frame: pl.DataFrame, seed: int, **fields: Any) -> Model:
        kinds = {name: {"dtype": "category" if frame[name].dtype == pl.String else "float"} for name in frame.columns}
        contract = Contract.model_validate({"columns": {**kinds, "y": {"dtype": "category", "role": "target"}}})
        probe = Drift(**fields)
        window = Window("train", frame, contract, TASKS["classification"])
        outline = probe.summarise(window)
        reference = probe.summarise(Window("train", frame, contract, TASKS["classification"], reference=outline))
        reference, findings = probe.calibrate(reference, window, seed)
        return cls(probe, contract, reference, list(findings))

    def alarms(self, frame: pl.DataFrame) -> list[str]:
        """The columns that alarm in a window."""
        window = Window("live", frame, self.contract, TASKS["classification"], reference=self.reference)
        told = {finding.name: finding for finding in self.probe.findings(self.probe.summarise(window), self.reference)}
        return list(told["drift/columns"].evidence.get("columns", []))


def evidently(reference: pl.Series, window: pl.Series) -> bool:
    if reference.dtype == pl.String:
        one, other = _shares(reference, window)
        if len(window) <= 1000:
            expected = one * len(window)
            seen = other * len(window)
            some = expected > 0
            return bool(stats.chisquare(seen[some], expected[some] * seen[some].sum() / expected[some].sum()).pvalue < 0.05)
        return _jensen_shannon(one, other) > 0.1
    if len(window) <= 1000:
        return bool(stats.ks_2samp(reference.to_numpy(), window.to_numpy(), method="asymp").pvalue < 0.05)
    return bool(stats.wasserstein_distance(reference.to_numpy(), window.to_numpy()) / reference.std() > 0.1)


def nannyml(reference: pl.Series, window: pl.Series) -> bool:
    if reference.dtype == pl.String:
        return _jensen_shannon(*_shares(reference, window)) > 0.1
    edges = np.histogram_bin_edges(reference.to_numpy(), bins="doane")
    return _jensen_shannon(*_binned(reference, window, edges)) > 0.1


def psi(reference: pl.Series, window: pl.Series) -> bool:
    if reference.dtype == pl.String:
        one, other = _shares(reference, window)
    else:
        one, other = _binned(reference, window, np.quantile(reference.to_numpy(), np.linspace(0, 1, 11)))
    one, other = np.maximum(one, 1e-4), np.maximum(other, 1e-4)
    return bool(((other - one) * np.log(other / one)).sum() >= 0.1)


def _shares(reference: pl.Series, window: pl.Series) -> tuple[np.ndarray, np.ndarray]:
    counts = [dict(series.value_counts(name="count").iter_rows()) for series in (reference, window)]
    names = sorted({*counts[0], *counts[1]})
    one, other = (np.array([count.get(name, 0) for name in names], dtype=float) for count in counts)
    return one / one.sum(), other / other.sum()


def _binned(reference: pl.Series, window: pl.Series, edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    edges = edges.copy()
    edges[0], edges[-1] = -np.inf, np.inf
    one, other = (np.histogram(series.to_numpy(), edges)[0].astype(float) for series in (reference, window))
    return one / one.sum(), other / other.sum()


def _jensen_shannon(one: np.ndarray, other: np.ndarray) -> float:
    middle = (one + other) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = [np.where(share > 0, share * np.log2(share / middle), 0.0).sum() for share in (one, other)]
    return float(np.sqrt(max(sum(parts) / 2, 0.0)))


OTHERS = {"Evidently": evidently, "NannyML": nannyml, "PSI": psi}


def bound(windows: int, level: float) -> int:
    """The most false alarms that so many windows may have, 99 times in 100."""
    return int(stats.binom.ppf(0.99, windows, level))


def quiet(kind: str, columns: int, sizes: list[int], references: int, windows: int, others: int) -> tuple[bool, list[str]]:
    """No drift: false alarms by window size; are they within the bound, and the lines that say so."""
    make = KINDS[kind]
    kept, cells, allowances = True, [], []
    rivals: dict[str, list[str]] = {name: [] for name in OTHERS}
    random = np.random.default_rng(abs(hash_of(kind, columns)))
    frames = [make(random, REFERENCE, columns) for _ in range(references)]
    models = [Model.of(frame, seed) for seed, frame in enumerate(frames)]
    for rows in sizes:
        each = windows // references if rows * columns <= 200_000 else max(windows // references // 4, 1)  # of large windows, fewer
        hits = sum(bool(model.alarms(make(random, rows, columns))) for model in models for _ in range(each))
        total = each * references
        allowed = bound(total, models[0].probe.level)
        kept &= hits <= allowed
        cells.append(f"{hits / total:6.2%}{' ' if hits <= allowed else '!'}")
        allowances.append(f"{allowed / total:6.2%} ")
        for name, rule in OTHERS.items():
            fired = 0
            for turn in range(others):
                frame, window = frames[turn % references], make(random, rows, columns)
                fired += any(rule(frame[column], window[column]) for column in frame.columns)
            rivals[name].append(f"{fired / others:6.0%} " if others else "     - ")
    lines = [f"{kind:11} {columns:4}  mlforge    " + " ".join(cells), f"{'':16}  {'at most':10} " + " ".join(allowances)]
    return kept, lines + [f"{'':16}  {name:10} " + " ".join(told) for name, told in rivals.items() if others]


def hash_of(kind: str, columns: int) -> int:
    """A seed that is the same in every process."""
    return sum(ord(letter) * 31**place for place, letter in enumerate(kind)) % 10**6 + columns


def power(title: str, fields: dict[str, Any], reference: int, sizes: list[int], windows: int, others: int) -> tuple[dict[int, float], list[str]]:
    """One column of 20 shifted by a quarter of its standard deviation: how often it alarms, by window size, and the lines that say so."""
    shift = 0.25
    random = np.random.default_rng(17)
    frames = [normal(random, reference, 20) for _ in range(5)]
    models = [Model.of(frame, seed, **fields) for seed, frame in enumerate(frames)]
    found, cells = {}, []
    rivals: dict[str, list[str]] = {name: [] for name in OTHERS}
    for rows in sizes:
        hits = 0
        for turn in range(windows):
            window = normal(random, rows, 20).with_columns(pl.col("x7") + shift)
            hits += "x7" in models[turn % 5].alarms(window)
        found[rows] = hits / windows
        cells.append(f"{hits / windows:6.1%}")
        for name, rule in OTHERS.items():
            fired = sum(rule(frames[turn % 5]["x7"], normal(random, rows, 1)["x0"] + shift) for turn in range(others))
            rivals[name].append(f"{fired / others:6.0%}" if others else "     -")
    lines = [f"{title:44} " + " ".join(cells)] + [f"{name:>44} " + " ".join(told) for name, told in rivals.items() if others]
    return found, lines + [f"{'':6}{finding.name}: {finding.text}" for finding in models[0].findings]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer windows, smaller ones")
    quick = parser.parse_args().quick
    sizes = [100, 300, 1000] if quick else [100, 300, 1000, 3000, 10_000, 50_000]
    small, large = (3, 300, 20) if quick else (6, 600, 10), (2, 200, 0)  # references, windows, and windows of the others
    blocks = [(kind, columns, sizes, *(small if columns == 20 else large)) for columns in ((20,) if quick else (20, 200)) for kind in KINDS]
    shown = f"n = {', '.join(f'{n:,}' for n in sizes)} rows"
    with multiprocessing.get_context("spawn").Pool(os.cpu_count()) as pool:
        shifted = [pool.apply_async(power, each) for each in (
            ("one a month, daily windows", {"detect": "0.25sd within 1000 rows"}, REFERENCE, sizes, 200 if quick else 600, 20),
            ("one a month, hourly windows", {"windows": "hourly"}, REFERENCE, sizes, 200 if quick else 400, 0),
            ("one a month, daily windows, reference of 1,000", {}, 1000, sizes, 200 if quick else 400, 0),
        )]  # fmt: skip
        kept = True
        print(f"False alarms in windows of {shown}, against {REFERENCE:,} rows of reference\n", flush=True)
        for within, lines in (one.get() for one in [pool.apply_async(quiet, block) for block in blocks]):
            kept &= within
            print("\n".join(lines), flush=True)
        print(f"\nOne column of 20 shifted by 0.25 sd: how many windows of {shown} alarm in it\n")
        told = [one.get() for one in shifted]
    for _, lines in told:
        print("\n".join(lines), flush=True)
    found = told[0][0]
    monotone = all(one <= other + 0.02 for one, other in zip(list(found.values()), list(found.values())[1:], strict=False))
    print(f"\nfalse alarms within the bound everywhere: {kept}; power at 1,000 rows: {found[1000]:.1%}; grows with n: {monotone}")
    raise SystemExit(0 if kept and found[1000] >= 0.95 and monotone else 1)


if __name__ == "__main__":
    main()
