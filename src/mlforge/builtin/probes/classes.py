"""Measures of predicted classes and their probabilities."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlforge.builtin.probes.measuring import Metric
from mlforge.builtin.probes.ranking import average_precision, roc_auc
from mlforge.builtin.probes.sums import mean, totals

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from mlforge.builtin.probes.resampling import Array

__all__ = ["UNSEEN", "Scored", "ids", "metrics"]

BINS = 15  # of the calibration error, as in Guo et al. 2017
POINTS = 60  # of a curve in the evidence
MOST_CLASSES = 30  # in the evidence's confusion matrix
UNSEEN = -1  # id of a class that training has not seen: never predicted, so always a miss


@dataclass(frozen=True)
class Scored:
    """Rows with a class and what a model said."""

    target: np.ndarray  # class ids, UNSEEN for a class that the model does not know
    predicted: np.ndarray  # class ids
    probability: Array  # [rows, classes]
    classes: tuple[str, ...]

    @property
    def width(self) -> int:
        """How many classes the model knows."""
        return len(self.classes)

    def present(self) -> list[int]:
        """Classes that some rows have and others do not."""
        return [k for k in range(self.width) if 0 < int((self.target == k).sum()) < len(self.target)]


def metrics() -> list[Metric[Scored]]:
    """Every measure: of the positive one (the last) where there are two, and the plain mean over classes where there are more."""
    return [
        Metric("roc_auc", _averaged(roc_auc), "higher", _one_class, evidence=_hits),
        Metric("pr_auc", _averaged(average_precision), "higher", _one_class, evidence=_precisions),
        Metric("log_loss", _log_loss, "lower"),
        Metric("brier", _brier, "lower"),
        Metric("accuracy", _accuracy, "higher", trials=lambda s: s.target == s.target, evidence=_confusion),
        Metric("balanced_accuracy", _balanced_accuracy, "higher", _one_class),
        Metric("f1", _f1, "higher", lambda s: f"no row is {_positive(s)} or predicted to be"),
        Metric("precision", _precision, "higher", lambda s: f"no row is predicted to be {_positive(s)}", lambda s: _of_positive(s, s.predicted)),
        Metric("recall", _recall, "higher", lambda s: f"no row is {_positive(s)}", lambda s: _of_positive(s, s.target)),
        Metric("ece", _ece, "lower", corrected=True, evidence=_reliability),
    ]


def _positive(scored: Scored) -> str:
    return repr(scored.classes[-1]) if scored.width == 2 else "of any class that the model knows"


def _one_class(scored: Scored) -> str:
    return f"all {len(scored.target)} rows are of one class"


def _of_positive(scored: Scored, column: np.ndarray) -> np.ndarray | None:
    """The rows of which precision or recall is a share; means over several classes are no share of anything."""
    return column == 1 if scored.width == 2 else None


def _averaged(curve: Callable[[Array, np.ndarray, Array], Array]) -> Callable[[Scored, Array], Array]:
    """One class against the rest, for the positive class or for each class that occurs; a class without rows has no curve and is left out."""

    def measure(scored: Scored, weights: Array) -> Array:
        import numpy as np

        present = scored.present()
        if scored.width == 2:
            present = [1] if 1 in present else []
        if not present:
            return np.full(weights.shape[1], np.nan)
        return sum((curve(scored.probability[:, k], scored.target == k, weights) for k in present), start=np.zeros(weights.shape[1])) / len(present)

    return measure


def _ratio(above: Array, below: Array, otherwise: float = float("nan")) -> Array:
    import numpy as np

    return np.divide(above, below, out=np.full_like(above, otherwise), where=below > 0)


def _of_target(scored: Scored) -> Array:
    """The probability that the model gave to what came true; 0 for a class it does not know."""
    import numpy as np

    taken = scored.probability[np.arange(len(scored.target)), np.maximum(scored.target, 0)]
    return np.where(scored.target == UNSEEN, 0.0, taken)


def _log_loss(scored: Scored, weights: Array) -> Array:
    import numpy as np

    smallest = np.finfo(np.float64).eps  # as scikit-learn: a certainty that was wrong costs 36, not infinity
    return mean(-np.log(np.clip(_of_target(scored), smallest, 1 - smallest)), weights)


def _brier(scored: Scored, weights: Array) -> Array:
    """Mean squared error of the positive class's probability, or summed over the classes where there are more than two."""
    squares = (scored.probability**2).sum(axis=1) - 2 * _of_target(scored) + 1
    return mean((scored.probability[:, 1] - (scored.target == 1)) ** 2 if scored.width == 2 else squares, weights)


def _accuracy(scored: Scored, weights: Array) -> Array:
    return mean((scored.target == scored.predicted).astype(float), weights)


def _counts(scored: Scored, weights: Array) -> tuple[Array, Array, Array]:
    """Weights of the rows that are of each class and predicted so, predicted so, and of it: three times [classes, weightings]."""
    import numpy as np

    hit = np.where(scored.target == scored.predicted, scored.target, UNSEEN)
    return totals(hit, scored.width, weights), totals(scored.predicted, scored.width, weights), totals(scored.target, scored.width, weights)


def _balanced_accuracy(scored: Scored, weights: Array) -> Array:
    import numpy as np

    hit, _, of = _counts(scored, weights)
    occurs = of.sum(axis=1) > 0
    if int(occurs.sum()) < 2:
        return np.full(weights.shape[1], np.nan)
    return _over_classes(_ratio(hit, of))


def _over_classes(values: Array) -> Array:
    """The mean over the classes that have a value."""
    import numpy as np

    defined = np.isfinite(values)
    return _ratio(np.where(defined, values, 0).sum(axis=0), defined.sum(axis=0).astype(float))


def _per_class(scored: Scored, above: Array, below: Array) -> Array:
    """The positive class's value, NaN where it is 0/0; or the mean over the classes that occur or are predicted, 0/0 counting as 0 as in scikit-learn."""
    import numpy as np

    if scored.width == 2:
        return _ratio(above[1], below[1])
    seen = [k for k in range(scored.width) if (scored.target == k).any() or (scored.predicted == k).any()]
    return _ratio(above[seen], below[seen], otherwise=0.0).mean(axis=0) if seen else np.full(above.shape[1], np.nan)


def _f1(scored: Scored, weights: Array) -> Array:
    hit, called, of = _counts(scored, weights)
    return _per_class(scored, 2 * hit, called + of)


def _precision(scored: Scored, weights: Array) -> Array:
    hit, called, _ = _counts(scored, weights)
    return _per_class(scored, hit, called)


def _recall(scored: Scored, weights: Array) -> Array:
    hit, _, of = _counts(scored, weights)
    return _per_class(scored, hit, of)


def _binned(scored: Scored) -> tuple[np.ndarray, Array, Array]:
    """Each row's calibration bin, the probability said and whether it came true: of the positive class, or of the predicted one."""
    import numpy as np

    if scored.width == 2:
        said, true = scored.probability[:, 1], (scored.target == 1).astype(float)
    else:
        said, true = scored.probability.max(axis=1), (scored.probability.argmax(axis=1) == scored.target).astype(float)
    place = np.clip(np.ceil(said * BINS).astype(int) - 1, 0, BINS - 1)
    return place, said, true


def _ece(scored: Scored, weights: Array) -> Array:
    """Expected calibration error over 15 bins of equal width: how far what was said is from what came true, on average."""
    import numpy as np

    place, said, true = _binned(scored)
    return _ratio(np.abs(totals(place, BINS, (true - said)[:, None] * weights)).sum(axis=0), weights.sum(axis=0))


def _reliability(scored: Scored, weight: Array) -> dict[str, Any]:
    import numpy as np

    place, said, true = _binned(scored)
    rows = np.bincount(place, minlength=BINS)
    of, sums, hits = totals(place, BINS, np.column_stack([weight, said * weight, true * weight])).T
    bins = [{"rows": int(rows[b]), "said": float(sums[b] / of[b]), "true": float(hits[b] / of[b])} for b in range(BINS) if of[b] > 0]
    return {"bins": bins}


def _hits(scored: Scored, weight: Array) -> dict[str, Any]:
    """The receiver operating characteristic of two classes, thinned: false alarms and hits."""
    import numpy as np

    if scored.width != 2 or not scored.present():
        return {}
    alarms, hits = _thresholds(scored, weight)
    return {"curve": np.column_stack([alarms / alarms[-1], hits / hits[-1]]).round(4).tolist()} if alarms[-1] > 0 and hits[-1] > 0 else {}


def _precisions(scored: Scored, weight: Array) -> dict[str, Any]:
    """The precision-recall curve of two classes, thinned."""
    import numpy as np

    if scored.width != 2 or not scored.present():
        return {}
    alarms, hits = (sums[1:] for sums in _thresholds(scored, weight))
    called = alarms + hits
    keep = called > 0
    return {"curve": np.column_stack([hits[keep] / hits[-1], hits[keep] / called[keep]]).round(4).tolist()} if hits[-1] > 0 else {}


def _thresholds(scored: Scored, weight: Array) -> tuple[Array, Array]:
    """Weight of the negative and of the positive rows above falling thresholds; ties fall together."""
    import numpy as np

    score, positive = scored.probability[:, 1], scored.target == 1
    order = np.argsort(-score, kind="stable")
    ends = np.flatnonzero(np.r_[score[order][1:] != score[order][:-1], True])
    ends = ends[np.unique(np.linspace(0, len(ends) - 1, POINTS).round().astype(int))]
    alarms, hits = (np.r_[0.0, np.cumsum((weight * of)[order])[ends]] for of in (~positive, positive))
    return alarms, hits


def _confusion(scored: Scored, weight: Array) -> dict[str, Any]:
    """Rows (unweighted) by class, down, and prediction, across; only its size where there are too many classes to read."""
    import numpy as np

    unseen = int((scored.target == UNSEEN).sum())
    evidence: dict[str, Any] = {"unseen_class_rows": unseen} if unseen else {}
    if scored.width <= MOST_CLASSES:
        matrix = np.zeros((scored.width, scored.width), dtype=int)
        known = (scored.target >= 0) & (scored.predicted >= 0)
        np.add.at(matrix, (scored.target[known], scored.predicted[known]), 1)
        evidence |= {"classes": list(scored.classes), "confusion": matrix.tolist()}
    return evidence


def ids(column: pl.Series, classes: pl.Series) -> pl.Series:
    """The classes' positions; UNSEEN where there is none. As text, because a label may come back from a model as a string."""
    import polars as pl

    return column.cast(pl.String).replace_strict(classes, pl.Series(range(len(classes))), default=UNSEEN, return_dtype=pl.Int64)
