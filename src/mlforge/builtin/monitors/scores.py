"""Scores and what came true of them, as counts in fixed bins: some kilobytes, merged by addition, however many rows there are.

A score is the probability of the positive class where there are two classes, and of the predicted one where there are more; it comes true when the row is of
that class. Bins are narrow where probabilities are near 0 or 1.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mlforge.window import Profile, Window

if TYPE_CHECKING:
    import numpy as np

    from mlforge.builtin.monitors.tails import Array

__all__ = ["SCORES", "Curve", "Scores", "added", "scored"]

SCORES = "scores"
_BINS = 256
_ENDS = 9.2  # log-odds of 0.0001
_COLUMNS = ("rows", "yes_said", "score", "labels", "yes", "label_score", "yes_said_yes", "yes_said_labels")


def scored(window: Window) -> Profile:
    """The bins of a window's rows; empty where there are no probabilities."""
    import numpy as np
    import polars as pl

    output, said = window.output, window.predictions
    if output is None or output.kind != "classes" or said is None or not said.height or "probability_0" not in said.columns:
        return Profile()
    binary = len(output.classes) == 2
    score = said["probability_1"] if binary else said.select(pl.max_horizontal(f"probability_{k}" for k in range(len(output.classes)))).to_series()
    here = said["prediction"].is_not_null() & score.is_not_null()
    classes = [str(name) for name in output.classes]
    prediction = said["prediction"].cast(pl.String)
    yes_said = (prediction == classes[-1]).fill_null(value=False).to_numpy() if binary else np.ones(said.height, dtype=bool)
    label = window.rows[output.target].cast(pl.String) if output.target in window.rows.columns else pl.Series([None] * said.height, dtype=pl.String)
    known = (label.is_not_null() & here).to_numpy()
    yes = ((label == classes[-1]) if binary else (label == prediction)).fill_null(value=False).to_numpy() & known
    keep, values = here.to_numpy(), score.fill_null(0.5).cast(pl.Float64).to_numpy()
    place = _bins(values)
    weights = (keep, keep & yes_said, keep * values, known, yes, known * values, yes & yes_said, known & yes_said)
    counts = {name: np.bincount(place, weights=weight.astype(float), minlength=_BINS) for name, weight in zip(_COLUMNS, weights, strict=True)}
    return Profile({SCORES: pl.DataFrame(counts)})


def added(one: Profile, other: Profile, table: str = SCORES) -> Profile:
    """Counts of both."""
    import polars as pl

    if table not in one.tables or table not in other.tables:
        return one if table in one.tables else other
    mine, theirs = one.tables[table], other.tables[table]
    return Profile(dict(one.tables) | {table: pl.DataFrame({name: mine[name] + theirs[name] for name in mine.columns})})


@dataclass(frozen=True)
class Scores:
    """A profile's bins as arrays."""

    rows: Array
    yes_said: Array
    score: Array  # sum of the scores
    labels: Array
    yes: Array
    label_score: Array
    yes_said_yes: Array
    yes_said_labels: Array

    @classmethod
    def of(cls, profile: Profile) -> Scores | None:
        """None where there are none."""
        table = profile.tables.get(SCORES)
        return None if table is None else cls(*(table[name].to_numpy() for name in _COLUMNS))

    def none(self) -> Scores:
        """Of no rows."""
        return Scores(*(0 * getattr(self, name) for name in _COLUMNS))

    def labelled(self, labels: Array, yes: Array) -> Scores:
        """Of so many labels, of which so many came true, and nothing else."""
        return replace(self.none(), labels=labels, yes=yes)

    @property
    def right(self) -> float:
        """Labelled rows whose answer was right."""
        said_no = self.labels - self.yes_said_labels
        return float((self.yes_said_yes + said_no - (self.yes - self.yes_said_yes)).sum())

    def hoped(self, curve: Curve) -> float:
        """Of them, those that should be by the curve."""
        return float((self.yes_said_labels * curve.share + (self.labels - self.yes_said_labels) * (1 - curve.share)).sum())

    def mean(self, sums: Array, counts: Array) -> Array:
        """The mean score of each bin; its middle where it is empty."""
        import numpy as np

        return np.where(counts > 0, sums / np.maximum(counts, 1e-300), _middles())


@dataclass(frozen=True)
class Curve:
    """Of each bin, which share comes true: rising (pool adjacent violators), and how sure that is."""

    share: Array
    block: np.ndarray  # bins of one block have one share
    labels: Array  # of each block

    @classmethod
    def of(cls, scores: Scores) -> Curve:
        """From the labels of the reference, with what the model said itself counting as two rows in each block of bins that have any."""
        import numpy as np

        groups: list[list[float]] = []  # sum of what came true, labels, bins
        for yes, labels in zip(scores.yes, scores.labels, strict=True):
            groups.append([float(yes), float(labels), 1.0])
            while len(groups) > 1 and groups[-2][0] * max(groups[-1][1], 1e-9) >= groups[-1][0] * max(groups[-2][1], 1e-9):
                last = groups.pop()
                groups[-1] = [groups[-1][0] + last[0], groups[-1][1] + last[1], groups[-1][2] + last[2]]
        block = np.repeat(np.arange(len(groups)), [int(group[2]) for group in groups])
        yes, labels = np.array([group[0] for group in groups]), np.array([group[1] for group in groups])
        said = np.bincount(block, weights=scores.label_score, minlength=len(groups)) / np.maximum(labels, 1e-9)
        said = np.where(labels > 0, said, np.bincount(block, weights=_middles(), minlength=len(groups)) / np.bincount(block, minlength=len(groups)))
        share = (yes + 2 * np.clip(said, 0, 1)) / (labels + 2)
        return cls(np.clip(share, 1e-6, 1 - 1e-6)[block], block, labels)


def _bins(values: Array) -> np.ndarray:
    import numpy as np

    clipped = np.clip(values, 1e-9, 1 - 1e-9)
    odds = np.clip(np.log(clipped / (1 - clipped)), -_ENDS, _ENDS)
    told: np.ndarray = np.minimum(((odds + _ENDS) / (2 * _ENDS) * _BINS).astype(np.int64), _BINS - 1)
    return told


def _middles() -> Array:
    import numpy as np

    told: Array = 1 / (1 + np.exp(-((np.arange(_BINS) + 0.5) / _BINS * 2 * _ENDS - _ENDS)))
    return told
