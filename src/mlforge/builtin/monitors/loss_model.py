"""How large an error is to be expected of a row, learned from the test rows: ridge regression over coarse bins of the columns and of the prediction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from mlforge.builtin.monitors.binned import LAYOUT, OUTLINE, outlined
from mlforge.builtin.monitors.contradiction import Agreement
from mlforge.builtin.monitors.drift import Drift
from mlforge.builtin.monitors.layout import Layout
from mlforge.window import Profile, Window

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from mlforge.builtin.monitors.tails import Array

__all__ = ["LOSS", "Losses", "agreed", "lossy"]

LOSS, WEIGHTS = "losses", "weights"
_COARSE = 16  # bins of a column
_MOST = 40  # columns that are used
_RIDGE = 10.0
_CHECKED = 30
_NAMES = ("rows", "expected", "labels", "actual", "actual_squares", "apart", "apart_squares", "outside")


def lossy(window: Window) -> Profile:
    """What errors are to be expected of a window's rows, and those that have come; of the reference, first a sample and then the learned weights."""
    import polars as pl

    said = window.predictions
    if said is None or "prediction" not in said.columns or window.output is None:
        return Profile()
    features = Drift().values(window)
    values = pl.DataFrame() if features is None else features.select(features.columns[:_MOST])
    values = values.with_columns(said["prediction"].cast(pl.Float64).fill_null(float("nan")).alias("__said__"))
    target = window.output.target
    true = window.rows[target].cast(pl.Float64) if target in window.rows.columns else pl.Series(target, [None] * said.height, dtype=pl.Float64)
    error = (said["prediction"].cast(pl.Float64) - true).abs()
    here = said["prediction"].is_not_null()
    reference = window.reference
    if reference is None or not reference.tables:
        return outlined(Window(window.name, window.rows.filter(here), window.contract, window.task), values.with_columns(error.alias("__error__")).filter(here))
    model = _Model.learned(reference.tables[OUTLINE]) if OUTLINE in reference.tables else _Model.of(reference)
    stats = model.stats(values.filter(here), error.filter(here).to_numpy())
    return Profile({LOSS: stats} | (model.tables() if OUTLINE in reference.tables else {}))


@dataclass(frozen=True)
class _Model:
    layout: Layout
    weights: Array  # [columns, coarse bins and one for missing values], then the mean
    mean: float

    @classmethod
    def learned(cls, sample: pl.DataFrame) -> _Model:
        """Ridge regression of the errors on the sample's bins."""
        import numpy as np

        known = sample.drop_nulls("__error__").drop("__order__", "__part__")
        layout = Layout.of(known.drop("__error__"))
        error = known["__error__"].to_numpy()
        mean = float(error.mean()) if len(error) else 0.0
        width = len(layout.columns) * (_COARSE + 1)
        codes = _codes(layout, known)
        design = np.zeros((len(error), width))
        np.put_along_axis(design, codes, 1.0, axis=1)
        solved: Array = np.linalg.solve(design.T @ design + _RIDGE * np.eye(width), design.T @ (error - mean)).astype(np.float64)
        return cls(layout, solved, mean)

    @classmethod
    def of(cls, reference: Profile) -> _Model:
        """As a reference keeps it."""
        weights = reference.tables[WEIGHTS]["weight"].to_numpy()
        return cls(Layout.from_table(reference.tables[LAYOUT]), weights[:-1], float(weights[-1]))

    def tables(self) -> dict[str, pl.DataFrame]:
        """What a reference keeps."""
        import polars as pl

        return {LAYOUT: self.layout.table(), WEIGHTS: pl.DataFrame({"weight": [*self.weights.tolist(), self.mean]})}

    def stats(self, values: pl.DataFrame, error: Array) -> pl.DataFrame:
        """Sums over rows."""
        import numpy as np
        import polars as pl

        expected = np.maximum(self.mean + self.weights[_codes(self.layout, values)].sum(axis=1), 0.0)
        known = np.isfinite(error)
        actual = np.where(known, error, 0.0)
        apart = np.where(known, error - expected, 0.0)
        edges = self.layout.columns[-1].edges or (0.0, 0.0)
        said = values["__said__"].to_numpy()
        far = (said > edges[-1] + (edges[-1] - edges[0]) / 10) | (said < edges[0] - (edges[-1] - edges[0]) / 10)
        sums = (len(expected), expected.sum(), known.sum(), actual.sum(), (actual**2).sum(), apart.sum(), (apart**2).sum(), far.sum())
        return pl.DataFrame({name: [float(value)] for name, value in zip(_NAMES, sums, strict=True)})


@dataclass(frozen=True)
class Losses:
    """Sums over a window's rows."""

    rows: float = 0.0
    expected: float = 0.0
    labels: float = 0.0
    actual_sum: float = 0.0
    actual_squares: float = 0.0
    apart: float = 0.0
    apart_squares: float = 0.0
    outside: float = 0.0

    @classmethod
    def of(cls, profile: Profile) -> Losses:
        """A profile's sums."""
        return cls(*profile.tables[LOSS].row(0)) if LOSS in profile.tables else cls()

    @property
    def mean(self) -> float:
        """The error to be expected of a row."""
        return self.expected / self.rows if self.rows else 0.0

    @property
    def actual(self) -> float:
        """The error of the rows with labels."""
        return self.actual_sum / self.labels if self.labels else 0.0

    def deviation(self, reference: Losses) -> float:
        """Of the realised mean around the expected one: rows of a window, and of the reference from which it is learned."""
        spread = reference.apart_squares / max(reference.labels, 1.0)
        return float((spread / max(self.rows, 1.0) + spread / max(reference.labels, 1.0)) ** 0.5)

    def withheld(self, reference: Losses, outside: float) -> str:
        """Why nothing is estimated; empty where it is."""
        if reference.labels < 200:
            return f"insufficient: {reference.labels:.0f} labels of reference, and 200 are needed"
        if self.outside > outside * self.rows:
            return f"withheld: {self.outside / self.rows:.0%} of the predictions are beyond those on the test rows"
        return ""


def agreed(windows: Sequence[Losses], reference: Losses) -> Agreement:
    """Are the errors of rows with labels what was expected of them: in the newest window, the newest two, four … and all, each with its part of the chance."""
    from mlforge.builtin.monitors.tails import normal

    spread = reference.apart_squares / max(reference.labels, 1.0)
    told, reaches = [], sorted({min(1 << place, len(windows)) for place in range(len(windows).bit_length() + 1)})
    for reach in reaches:
        labels, apart = sum(one.labels for one in windows[:reach]), sum(one.apart for one in windows[:reach])
        z = apart / labels / (spread / labels + spread / reference.labels) ** 0.5 if labels >= _CHECKED and spread else 0.0
        told.append(Agreement(min(1.0, normal(z) * len(reaches)), int(labels), reach))
    return min(told, key=lambda one: one.chance)


@lru_cache(maxsize=64)
def _folds(width: int, numeric: bool) -> tuple[int, ...]:
    """The coarse bin of each bin; 0 is for missing values."""
    inner = width - 1
    if not numeric:
        return (0, *(min(code, _COARSE) for code in range(1, width)))
    return (0, *(1 + (code - 1) * _COARSE // inner for code in range(1, width)))


def _codes(layout: Layout, values: pl.DataFrame) -> np.ndarray:
    """[rows, columns]: the place of each value's coarse bin among all weights."""
    import numpy as np

    told = [
        np.array(_folds(one.width, one.numeric))[one.codes(values[one.column])] + place * (_COARSE + 1)
        if one.column in values.columns
        else np.full(values.height, place * (_COARSE + 1))
        for place, one in enumerate(layout.columns)
    ]
    return np.stack(told, axis=1)
