"""The check shift."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from mlforge.builtin.probes.sampling import LIMIT, ORDER, PART, coded, comparable, merged, sampled
from mlforge.components import Probe
from mlforge.contract import Contract
from mlforge.finding import Finding
from mlforge.task import Task
from mlforge.units import Share
from mlforge.window import Profile, Window

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

__all__ = ["Shift"]

_ROLES = ("feature", "protected", "target", "weight")
_SHOWN = 20  # columns in the evidence
_EXPECTED = 5  # rows that a category must be expected to have in both parts; rarer ones are pooled


class Shift(Probe):
    """Columns that are distributed otherwise in the test rows than in the training rows.

    Numbers are compared by the largest distance of their distribution functions (Kolmogorov and Smirnov), categories by the largest difference in the
    share of any set of them (total variation). A column has shifted when its distance is at least `effect` *and* cannot be chance: p-values are
    Holm-corrected for the number of columns. `shift/largest` is the largest distance, `shift/columns` counts those that have shifted. All of it is
    measured on a uniform sample of the rows.
    """

    libraries: ClassVar[tuple[str, ...]] = ("polars", "numpy")

    effect: Share = Field(default=0.1, gt=0, le=1, description="distance from which a shift matters; 0.1 is a quarter of a standard deviation")
    significance: Share = Field(default=0.01, gt=0, lt=1, description="chance of any false alarm over all columns")
    rows: int = Field(default=LIMIT, ge=100, le=1_000_000, description="rows of the sample; up to so many, all are used")

    def declares(self, contract: Contract, task: Task) -> Iterable[str]:
        """Two findings."""
        return ("shift/largest", "shift/columns")

    def summarise(self, window: Window) -> Profile:
        """A sample of the rows."""
        contract = window.contract
        keys = [key for key in comparable(contract, *_ROLES) if key in window.rows.columns]
        return Profile({"sample": sampled(window, [coded(contract, key) for key in keys], self.rows)}, exact=True) if keys else Profile(exact=True)

    def merge(self, one: Profile, other: Profile) -> Profile:
        """The sample of both."""
        sample = merged(one, other, self.rows)
        return Profile({} if sample is None else {"sample": sample}, exact=True)

    def findings(self, profile: Profile, reference: Profile | None) -> Iterable[Finding]:
        """The largest distance, and every column that has shifted."""
        import polars as pl

        sample = profile.tables.get("sample")
        if sample is None or not sample.height:
            return
        train, test = (sample.filter(pl.col(PART) == part).drop(ORDER, PART) for part in ("train", "test"))
        if not train.height or not test.height:
            text = "the rows are not split" if set(sample[PART]) == {""} else "the sample has no rows of training, or none of test"
            yield from (Finding(name=f"shift/{name}", value=None, text=text, rows=sample.height, better="lower") for name in ("largest", "columns"))
            return
        distances = {key: _distance(train[key], test[key]) for key in train.columns}
        yield from self._told(distances, train.height + test.height)

    def _told(self, distances: dict[str, tuple[float, float]], rows: int) -> Iterable[Finding]:
        ordered = sorted(distances.items(), key=lambda item: (-item[1][0], item[0]))
        moved = _significant({key: p for key, (_, p) in ordered}, self.significance)
        shifted = [(key, distance) for key, (distance, _) in ordered if key in moved and distance >= self.effect]
        column, (largest, _) = ordered[0]
        chance = "more than chance" if column in moved else "no more than chance"
        shown = {key: {"distance": round(distance, 6), "p_value": p} for key, (distance, p) in ordered[:_SHOWN]}
        text = f"{column} differs most between training and test: {largest:.3g}, {chance}"
        yield Finding(name="shift/largest", value=largest, text=text, rows=rows, better="lower", evidence={"columns": shown})
        count = len(shifted)
        named = ", ".join(f"{key} ({distance:.2g})" for key, distance in shifted[:5]) + (" …" if count > 5 else "")
        text = f"{named} {'is' if count == 1 else 'are'} distributed otherwise in test than in training" if count else "test is distributed like training"
        severity = "warning" if count else "info"
        evidence = {"columns": dict(shifted[:_SHOWN])}
        yield Finding(name="shift/columns", value=count, unit="columns", text=text, rows=rows, better="lower", severity=severity, evidence=evidence)


def _significant(p_values: dict[str, float], level: float) -> frozenset[str]:
    """The columns whose p-value stands after Holm's correction."""
    kept: list[str] = []
    for place, (key, p) in enumerate(sorted(p_values.items(), key=lambda item: (item[1], item[0]))):
        if p > level / (len(p_values) - place):
            break
        kept.append(key)
    return frozenset(kept)


def _distance(train: pl.Series, test: pl.Series) -> tuple[float, float]:
    """How far apart, and the p-value. A missing value is a category of its own, and the smallest of numbers."""
    import numpy as np
    import polars as pl

    if train.dtype == pl.Float64:
        one, other = (np.nan_to_num(series.to_numpy(), nan=-np.inf, posinf=np.inf, neginf=-np.inf) for series in (train, test))
        return _kolmogorov(np.sort(one), np.sort(other))
    both = pl.concat([train, test]).rank("dense").fill_null(0).to_numpy().astype(np.int64)
    counts = [np.bincount(part, minlength=int(both.max()) + 1) for part in (both[: len(train)], both[len(train) :])]
    return _categories(counts[0], counts[1])


def _kolmogorov(one: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    import numpy as np

    points = np.concatenate([one, other])
    below = np.searchsorted(one, points, side="right") / len(one) - np.searchsorted(other, points, side="right") / len(other)
    distance = float(np.abs(below).max())
    size = math.sqrt(len(one) * len(other) / (len(one) + len(other)))
    scaled = (size + 0.12 + 0.11 / size) * distance  # Stephens' correction for small samples
    if scaled < 0.2:
        return distance, 1.0
    p = 2 * sum((-1) ** (k - 1) * math.exp(-2 * (k * scaled) ** 2) for k in range(1, 101))
    return distance, min(1.0, max(0.0, p))


def _categories(one: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """Total variation and chi-squared, over the categories that are frequent enough, the others pooled."""
    import numpy as np

    total = one + other
    share = total / total.sum()
    frequent = np.minimum(share * one.sum(), share * other.sum()) >= _EXPECTED
    table = np.array([np.append(counts[frequent], counts[~frequent].sum()) for counts in (one, other)], dtype=float)
    table = table[:, table.sum(axis=0) > 0]
    degrees = table.shape[1] - 1
    if degrees < 1:
        return 0.0, 1.0
    rows = table.sum(axis=1, keepdims=True)
    expected = rows * table.sum(axis=0) / table.sum()
    squared = float(((table - expected) ** 2 / expected).sum())
    distance = float(np.abs(table[0] / rows[0] - table[1] / rows[1]).sum() / 2)
    return distance, _chi_squared(squared, degrees)


def _chi_squared(value: float, degrees: int) -> float:
    """The chance of a larger value, by Wilson and Hilferty's approximation."""
    if value <= 0:
        return 1.0
    spread = 2 / (9 * degrees)
    z = ((value / degrees) ** (1 / 3) - (1 - spread)) / math.sqrt(spread)
    return 0.5 * math.erfc(z / math.sqrt(2))
