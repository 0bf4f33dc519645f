"""The monitor two_sample."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from mlforge.builtin.monitors.promise import FEW, Promise
from mlforge.builtin.monitors.tails import chance_said, clopper_pearson
from mlforge.builtin.probes.sampling import ORDER, PART, coded, comparable, merged, numeric, sampled
from mlforge.components import Objection
from mlforge.contract import Contract
from mlforge.errors import DataError, MissingRequirement
from mlforge.finding import Finding
from mlforge.task import Task
from mlforge.window import Profile, Window

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

__all__ = ["TwoSample"]

_SAMPLE = "sample"
_TRIALS = 40  # windows that calibration draws from the reference
_LEVELS = 200  # categories of a column that are told apart
_NAMED = 5
_SLIGHT = 0.01  # of the area under the curve, that a column is worth naming for


class TwoSample(Promise):
    """Rows that a classifier can tell from training rows, in whatever way they differ: the classifier two-sample test.

    Gradient-boosted trees learn on one half of both samples and are asked about the other, and the other way round. Under no drift, the ranks of their answers
    are chance, so that p-values are those of Mann and Whitney's test; twice the smaller counts. It alarms when chance does not explain the area under the
    curve, and that is `floor` above a half. It needs rows of both sides: `mlforge monitor` with a source has them, a server has not.
    """

    exact: ClassVar[bool] = True
    requires: ClassVar[tuple[str, ...]] = ("scikit-learn",)
    libraries: ClassVar[tuple[str, ...]] = ("polars", "numpy", "scikit-learn")

    rows: int = Field(default=1000, ge=100, le=20_000, description="rows of each side that are compared, chosen by chance")
    floor: float = Field(default=0.05, ge=0, le=0.5, description="smallest area under the curve above a half that matters")

    def objections(self, contract: Contract) -> Iterable[Objection]:
        """No column that trees could look at."""
        yield from super().objections(contract)
        if not _columns(contract):
            yield Objection("", "no feature is a number, a time or a category", hint="Watch texts and arrays with text_drift.")

    def declares(self, contract: Contract, task: Task) -> Iterable[str]:
        """The area under the curve."""
        return ("two_sample/auc", "two_sample/false_alarms")

    def summarise(self, window: Window) -> Profile:
        """Rows, chosen by their place."""
        keys = _columns(window.contract)
        if not keys or not window.rows.height:
            return Profile()
        missing = [key for key in keys if key not in window.rows.columns]
        import polars as pl

        values = [coded(window.contract, key) if key not in missing else pl.lit(None, dtype=pl.Float64).alias(key) for key in keys]
        numbers = pl.DataFrame({key: [numeric(window.contract, key)] for key in keys})
        return Profile({_SAMPLE: sampled(window, values, self.rows), "numbers": numbers}, exact=True)

    def merge(self, one: Profile, other: Profile) -> Profile:
        """The rows of both that are chosen among all."""
        sample = merged(one, other, self.rows)
        return Profile() if sample is None else Profile({**other.tables, **one.tables, _SAMPLE: sample}, exact=True)

    def calibrate(self, reference: Profile, sample: Window, seed: int) -> tuple[Profile, Sequence[Finding]]:
        """Windows drawn from the training rows, against others of them: how many alarm. No row stays with the version."""
        import numpy as np

        size = min(self.rows, sample.rows.height // 2)
        if not reference.tables or size < 2 * FEW:
            return Profile(), ()
        random, hits = np.random.default_rng((seed, 11)), 0
        for _ in range(_TRIALS):
            drawn = random.permutation(sample.rows.height)[: 2 * size]
            one, other = (self.summarise(_part(sample, drawn[part::2])) for part in (0, 1))
            hits += any(finding.severity != "info" for finding in self.findings(one, other))
        low, high = clopper_pearson(hits, _TRIALS, 0.99)
        if low > self.level:
            raise DataError(f"two_sample: {hits} of {_TRIALS} windows drawn from the training rows alarm, and {self.level:.2%} may: rows are not told apart "
                            "by chance alone", hint="Are there columns that number the rows? Leave them out with role: ignore.")  # fmt: skip
        text = f"of {_TRIALS} windows of {size:,} rows drawn from the reference, {hits} alarm without cause; {self.level:.2%} are allowed"
        found = Finding(name="two_sample/false_alarms", value=hits / _TRIALS, low=low, high=high, interval="99 % Clopper–Pearson", text=text,
                        better="lower", rows=size)  # fmt: skip
        return Profile(), [found]

    def findings(self, profile: Profile, reference: Profile | None) -> Iterable[Finding]:
        """How well rows are told apart, and by which columns."""
        if reference is None or _SAMPLE not in reference.tables or _SAMPLE not in profile.tables:
            yield self._untold("rows of both sides are not at hand: look with --source, in the project that has the training rows", 0)
            return
        sides = [one.tables[_SAMPLE].drop(ORDER, PART) for one in (reference, profile)]
        rows = sides[1].height
        if min(side.height for side in sides) < 2 * FEW:
            yield self._untold(f"insufficient: {rows} rows, and {2 * FEW} are needed", rows)
            return
        one, other, words = _matrix(sides, reference.tables["numbers"].row(0, named=True))
        areas, chances, worth = _told_apart(one, other, words)
        area, p = sum(areas) / 2, min(1.0, 2 * min(chances))
        alarm = p <= self.level and area - 0.5 >= self.floor
        names = [sides[0].columns[place] for place in sorted(range(len(worth)), key=lambda place: -worth[place])[:_NAMED] if worth[place] > _SLIGHT]
        by = f", by {', '.join(names)}" if alarm and names else ""
        text = f"a window's rows are told from training rows with an AUC of {area:.3f} ({chance_said(p)}){by}: {'drifted' if alarm else 'as before'}"
        evidence = {"p_value": p, "columns": names if alarm else [], "reference_rows": sides[0].height}
        severity = "warning" if alarm else "info"
        yield Finding(name="two_sample/auc", value=area, text=text, better="lower", rows=rows, severity=severity, evidence=evidence)

    def _untold(self, why: str, rows: int) -> Finding:
        return Finding(name="two_sample/auc", value=None, text=why, better="lower", rows=rows)


def _columns(contract: Contract) -> list[str]:
    return [key for key in comparable(contract, "feature", "protected") if contract.columns[key].pii is None]


def _part(sample: Window, places: np.ndarray) -> Window:
    from mlforge.artifact import ROW

    rows = sample.rows[places]
    return Window("live", rows.drop(ROW) if ROW in rows.columns else rows, sample.contract, sample.task)


def _matrix(sides: Sequence[pl.DataFrame], numbers: dict[str, bool]) -> tuple[np.ndarray, np.ndarray, list[bool]]:
    """Both sides as [rows, columns] of doubles, and which columns are categories: those are numbered by how frequent they are, missing ones are NaN."""
    import numpy as np
    import polars as pl

    made: list[list[np.ndarray]] = [[], []]
    for name in sides[0].columns:
        columns = [side[name] for side in sides]
        if not numbers[name]:
            columns = [column.cast(pl.UInt64) for column in columns]
            counts = pl.concat(columns).drop_nulls().value_counts(name="count").sort("count", name, descending=[True, False])
            places = {value: place for place, value in enumerate(counts[name].head(_LEVELS))}
            columns = [pl.Series([None if value is None else places.get(value, _LEVELS) for value in column], dtype=pl.Float64) for column in columns]
        for side, column in zip(made, columns, strict=True):
            side.append(column.cast(pl.Float64).fill_null(float("nan")).to_numpy())
    return np.column_stack(made[0]), np.column_stack(made[1]), [not numbers[name] for name in sides[0].columns]


def _told_apart(one: np.ndarray, other: np.ndarray, words: list[bool]) -> tuple[list[float], list[float], list[float]]:
    """Of both halves: the area under the curve, and how likely one so large is by chance; and what each column is worth of it."""
    import numpy as np

    try:
        from sklearn.ensemble import HistGradientBoostingClassifier
    except ImportError:
        raise MissingRequirement("the monitor two_sample needs scikit-learn", hint="pip install scikit-learn") from None
    areas, chances, worth, random = [], [], np.zeros(one.shape[1]), np.random.default_rng(0)
    for half in (0, 1):
        learnt = np.vstack([one[half::2], other[half::2]])
        truth = np.repeat([0, 1], [len(one[half::2]), len(other[half::2])])
        trees = HistGradientBoostingClassifier(max_iter=40, max_leaf_nodes=8, min_samples_leaf=20, learning_rate=0.1, early_stopping=False,
                                               categorical_features=words, random_state=0)  # fmt: skip
        trees.fit(learnt, truth)
        held = [one[1 - half :: 2], other[1 - half :: 2]]
        area, p = _ranked(*(trees.decision_function(side) for side in held))
        areas.append(area)
        chances.append(p)
        for column in range(one.shape[1]) if p < 0.05 else ():
            mixed = [side.copy() for side in held]
            values = random.permutation(np.concatenate([side[:, column] for side in mixed]))
            mixed[0][:, column], mixed[1][:, column] = values[: len(mixed[0])], values[len(mixed[0]) :]
            worth[column] += (area - _ranked(*(trees.decision_function(side) for side in mixed))[0]) / 2
    return areas, chances, worth.tolist()


def _ranked(one: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """The share of pairs in which `other` has the higher score, and how likely one so high is by chance: Mann and Whitney's test, corrected for ties."""
    from statistics import NormalDist

    import numpy as np

    n, m = len(one), len(other)
    scores = np.concatenate([one, other])
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    won = ranks[n:].sum() - m * (m + 1) / 2
    ties = float((counts**3 - counts).sum()) / ((n + m) * (n + m - 1))
    deviation = (n * m / 12 * (n + m + 1 - ties)) ** 0.5
    z = (won - n * m / 2 - 0.5) / deviation if deviation else 0.0
    return float(won / (n * m)), 1 - NormalDist().cdf(z)
