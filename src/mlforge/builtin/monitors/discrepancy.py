"""Whole rows, texts and arrays that are distributed otherwise: what the monitors multivariate and text_drift have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from mlforge.builtin.monitors.binned import OUTLINE, joined, outlined, outlines
from mlforge.builtin.monitors.drawn import Drawn, achieved
from mlforge.builtin.monitors.embedding import FEATURES, Scale, angles, covariance, features, sums
from mlforge.builtin.monitors.multiple_testing import adjusted
from mlforge.builtin.monitors.promise import FEW, WANTED, Promise
from mlforge.builtin.monitors.tails import chance_said, gamma
from mlforge.builtin.probes.names import slug
from mlforge.contract import Column, Contract
from mlforge.finding import Finding
from mlforge.window import Profile, Window

if TYPE_CHECKING:
    import polars as pl

    from mlforge.builtin.monitors.tails import Array

__all__ = ["Discrepancy"]

_SCALES, _FACTOR = "scales", "calibration"
_NUMBERS = frozenset({"int", "float", "datetime", "string"})
_AT_ONCE = 16_384  # rows
_DRAWN = 2000  # windows for the calibration


@dataclass(frozen=True)
class _Apart:
    """Two sets of points."""

    p: float
    effect: float  # in units of the points' own spread
    rows: int


class Discrepancy(Promise):
    """Compares sets of columns as whole distributions."""

    fitted: ClassVar[bool] = True
    libraries: ClassVar[tuple[str, ...]] = ("polars", "numpy")
    about: ClassVar[str]

    floor: float = Field(default=0.02, ge=0, le=2, description="smallest distance that matters, in units of the rows' own spread")

    @property
    def wanted(self) -> int:
        """As many as a judgement of single columns."""
        return WANTED

    @abstractmethod
    def sets(self, contract: Contract) -> Mapping[str, Sequence[str]]:
        """Keys of columns that are looked at together, by a name."""

    def summarise(self, window: Window) -> Profile:
        """Sums of features; of the reference, first a sample to learn the scales."""
        here = {name: [key for key in keys if key in window.rows.columns] for name, keys in self.sets(window.contract).items()}
        columns = {key: window.contract.columns[key] for keys in here.values() for key in keys}
        if not columns:
            return Profile()
        reference = window.reference
        if reference is None or not reference.tables:
            return outlined(window, window.rows.select(_readable(key, column) for key, column in columns.items()))
        begun = outlines(reference)
        scales = _learned(reference.tables[OUTLINE], columns) if begun else _read(reference)
        tables = {}
        for name, keys in here.items():
            total, products = _points(window.rows, {key: columns[key] for key in keys}, scales, name, squared=begun)
            tables[f"sum {name}"] = total
            if begun:
                tables[f"product {name}"] = products
        return Profile(tables | ({_SCALES: _told(scales)} if begun else {}))

    def merge(self, one: Profile, other: Profile) -> Profile:
        """Sums of both."""
        if not one.tables or not other.tables or outlines(one):
            return joined(one, other)
        told = dict(other.tables) | dict(one.tables)
        for name in one.tables:
            if name in other.tables and name.startswith(("sum ", "product ")):
                told[name] = _plus(one.tables[name], other.tables[name])
        return Profile(told)

    def findings(self, profile: Profile, reference: Profile | None) -> Iterable[Finding]:
        """How far each set has moved."""
        names = [name.removeprefix("product ") for name in (reference.tables if reference is not None else {}) if name.startswith("product ")]
        if reference is None or not names:
            why = "there is no reference to compare with" if profile.tables else "there are no rows to look at"
            yield Finding(name=f"{self.about}/distance", value=None, text=why, better="lower", rows=0)
            return
        found = {name: self._apart(name, profile, reference) for name in names}
        yield from self._verdicts({name: one for name, one in found.items() if one is not None and one.rows >= FEW}, names, _factor(reference))

    def _verdicts(self, found: Mapping[str, _Apart], names: Sequence[str], factor: float) -> Iterator[Finding]:
        import numpy as np

        p = dict(zip(found, adjusted(np.array([one.p for one in found.values()]), "holm").tolist(), strict=True)) if found else {}
        for name in names:
            told = f"{self.about}/{'distance' if len(names) == 1 and not name else slug(name)}"
            if name not in found:
                yield Finding(name=told, value=None, text=f"insufficient: fewer than {FEW} rows", better="lower", rows=0)
                continue
            one = found[name]
            alarm = p[name] <= self.level * factor and one.effect >= self.floor
            what = name or "rows as a whole"
            verdict = "distributed otherwise" if alarm else "distributed as before"
            text = f"{what}: {one.effect:.2g} of their own spread away from training ({chance_said(one.p)}): {verdict}"
            severity = "warning" if alarm else "info"
            yield Finding(name=told, value=one.effect, text=text, better="lower", rows=one.rows, severity=severity, evidence={"p_value": one.p})

    def _apart(self, name: str, profile: Profile, reference: Profile) -> _Apart | None:
        if f"sum {name}" not in profile.tables:
            return None
        law = _Law.of(reference, name)
        total = profile.tables[f"sum {name}"]["sum"].to_numpy()
        return law.apart(total[1:], total[0]) if total[0] else None

    def calibrate(self, reference: Profile, sample: Window, seed: int) -> tuple[Profile, Sequence[Finding]]:
        """Windows drawn from the reference: how many alarm without cause."""
        import numpy as np
        import polars as pl

        sets = {name: keys for name, keys in self.sets(sample.contract).items() if f"product {name}" in reference.tables}
        size = min(self.wanted, sample.rows.height // 2)
        if not sets or size < FEW:
            return reference, ()
        scales, random, columns = _read(reference), np.random.default_rng((seed, 7)), sample.contract.columns
        points = {name: features(angles(sample.rows, {key: columns[key] for key in keys}, scales), name) for name, keys in sets.items()}
        laws, least = {name: _Law.of(reference, name) for name in points}, np.ones(_DRAWN)
        chosen = [random.choice(sample.rows.height, size, replace=False, shuffle=False) for _ in range(_DRAWN)]
        for name, of in points.items():
            totals, whole, rest = np.stack([of[some].sum(axis=0) for some in chosen]), of.sum(axis=0), len(of) - size
            p, effect = laws[name].chances(totals / size - (whole - totals) / rest, size, rest)  # a drawn window against the rows that are left
            least = np.minimum(least, np.where(effect >= self.floor, np.minimum(p * len(points), 1.0), 1.0))
        drawn = Drawn(size, least)
        factor = drawn.factor(self.level)
        found = achieved(self.about, self, drawn, factor)
        return Profile(dict(reference.tables) | {_FACTOR: pl.DataFrame({"factor": [factor]})}), [found]


@dataclass(frozen=True)
class _Law:
    """The reference's mean of features, and how far a window's is from it by chance."""

    mean: Array
    rows: float
    trace: float  # of the covariance
    square: float  # of its square

    @classmethod
    def of(cls, reference: Profile, name: str) -> _Law:
        return _law(tuple(reference.tables[f"sum {name}"]["sum"]), tuple(reference.tables[f"product {name}"]["product"]))

    def apart(self, total: Array, rows: float) -> _Apart:
        """A window against the reference."""
        p, effect = self.chances((total / rows - self.mean)[None, :], rows, self.rows)
        return _Apart(float(p[0]), float(effect[0]), int(rows))

    def chances(self, differences: Array, n: float, m: float) -> tuple[Array, Array]:
        """Of differences of means: under no drift, their squares are sums whose mean and variance are known (Gretton et al., 2009); and their sizes."""
        import numpy as np

        squared, chance = (differences**2).sum(axis=1), self.trace * (1 / n + 1 / m)
        p = gamma(squared, np.full(len(squared), chance), np.full(len(squared), 2 * self.square * (1 / n + 1 / m) ** 2))
        effect: Array = np.sqrt(np.maximum(squared - chance, 0.0) / max(self.trace, 1e-12))
        return p, effect


@lru_cache(maxsize=32)
def _law(total: tuple[float, ...], products: tuple[float, ...]) -> _Law:
    import numpy as np

    rows, mean = total[0], np.array(total[1:]) / max(total[0], 1.0)
    spread = np.array(products).reshape(FEATURES, FEATURES) / max(rows, 1.0) - np.outer(mean, mean)
    return _Law(mean, rows, float(np.trace(spread)), float((spread * spread).sum()))


def _points(rows: pl.DataFrame, columns: Mapping[str, Column], scales: Mapping[str, Scale], name: str, *, squared: bool) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Sums over all rows, some at a time."""
    import numpy as np
    import polars as pl

    total, products = sums(np.zeros((0, FEATURES))), covariance(np.zeros((0, FEATURES)))
    for some in rows.iter_slices(_AT_ONCE):
        points = features(angles(some, columns, scales), name)
        total = _plus(total, sums(points))
        products = _plus(products, covariance(points)) if squared else products
    return total, products if squared else pl.DataFrame()


def _plus(one: pl.DataFrame, other: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    name = one.columns[0]
    return pl.DataFrame({name: one[name] + other[name]})


def _readable(key: str, column: Column) -> pl.Expr:
    """What a sample needs to have of a column: of numbers, their values; of the others, nothing."""
    import polars as pl

    if column.dtype not in _NUMBERS:
        return pl.repeat(0.0, pl.len()).alias(key)
    value = {"datetime": pl.col(key).dt.epoch("us") / 1e6, "string": pl.col(key).str.len_chars()}.get(column.dtype, pl.col(key))
    return value.cast(pl.Float64).fill_null(float("nan")).alias(key)


def _learned(sample: pl.DataFrame, columns: Mapping[str, Column]) -> dict[str, Scale]:
    import numpy as np

    told = {}
    for key, column in columns.items():
        numbers = sample[key].to_numpy()
        numbers = numbers[np.isfinite(numbers)]
        if column.dtype in _NUMBERS and len(numbers):
            inner = np.clip(numbers, *np.quantile(numbers, [0.01, 0.99]))  # a few extreme values must not hide all others
            told[key] = Scale(float(inner.mean()), float(inner.std()) or 1.0)
    return told


def _told(scales: Mapping[str, Scale]) -> pl.DataFrame:
    import polars as pl

    rows = [(key, scale.mean, scale.deviation) for key, scale in scales.items()]
    return pl.DataFrame(rows, schema={"column": pl.String, "mean": pl.Float64, "deviation": pl.Float64}, orient="row")


def _read(reference: Profile) -> dict[str, Scale]:
    return {key: Scale(mean, deviation) for key, mean, deviation in reference.tables[_SCALES].iter_rows()}


def _factor(reference: Profile) -> float:
    return float(reference.tables[_FACTOR]["factor"][0]) if _FACTOR in reference.tables else 1.0
