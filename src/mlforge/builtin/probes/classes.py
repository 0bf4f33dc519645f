"""Measures of predicted classes and their probabilities."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from mlforge.builtin.probes.cells import within
from mlforge.builtin.probes.curves import MOST_CLASSES, binned, confusion, precision_curve, reliability, roc_curve
from mlforge.builtin.probes.measuring import Metric
from mlforge.builtin.probes.names import slugs
from mlforge.builtin.probes.ranking import average_precision, roc_auc
from mlforge.builtin.probes.scored import BINS, UNSEEN, Scored, ids
from mlforge.builtin.probes.sums import mean, totals

if TYPE_CHECKING:
    import numpy as np

    from mlforge.builtin.probes.resampling import Array

__all__ = ["UNSEEN", "Scored", "by_class", "ids", "metrics"]


def metrics(beta: float | None = None) -> list[Metric[Scored]]:
    """Every measure: of the positive one (the last) where there are two, and the plain mean over classes where there are more.

    With a `beta` also `f_beta`.
    """
    nobody = Metric("f1", _f(1.0), "higher", lambda s: f"no row is {_positive(s)} or predicted to be", few=_fewest)
    weighed = [] if beta is None else [Metric("f_beta", _f(beta), "higher", nobody.undefined, few=_fewest, evidence=lambda *_: {"beta": beta})]
    return [
        Metric("roc_auc", _averaged(roc_auc), "higher", _one_class, evidence=roc_curve, few=_fewest, told=_ties),
        Metric("pr_auc", _averaged(average_precision), "higher", _one_class, evidence=precision_curve, few=_fewest),
        Metric("log_loss", _log_loss, "lower"),
        Metric("brier", _brier, "lower"),
        Metric("accuracy", _accuracy, "higher", trials=lambda s: s.target == s.target, evidence=confusion),
        Metric("balanced_accuracy", _balanced_accuracy, "higher", _one_class, few=_fewest),
        nobody,
        *weighed,
        Metric("precision", _precision, "higher", lambda s: f"no row is predicted to be {_positive(s)}", lambda s: _of_positive(s, s.predicted), few=_fewest),
        Metric("recall", _recall, "higher", lambda s: f"no row is {_positive(s)}", lambda s: _of_positive(s, s.target), few=_fewest),
        Metric("ece", _ece, "lower", corrected=True, evidence=reliability),
    ]


def by_class(classes: tuple[str, ...]) -> list[Metric[Scored]]:
    """`recall/<class>` and `precision/<class>` of each of several classes, where they are not too many to read; they are not compared with the champion's."""
    if not 2 < len(classes) <= MOST_CLASSES:
        return []
    return [metric for k, name in enumerate(slugs(classes)) for metric in (_recall_of(k, classes[k], name), _precision_of(k, classes[k], name))]


def _recall_of(k: int, label: str, name: str) -> Metric[Scored]:
    def measure(scored: Scored, weights: Array) -> Array:
        hit, _, of = _counts(scored, weights)
        return _ratio(hit[k], of[k])

    return Metric(f"recall/{name}", measure, "higher", lambda _: f"no row is {label!r}", lambda s: s.target == k, compared=False)


def _precision_of(k: int, label: str, name: str) -> Metric[Scored]:
    def measure(scored: Scored, weights: Array) -> Array:
        hit, called, _ = _counts(scored, weights)
        return _ratio(hit[k], called[k])

    return Metric(f"precision/{name}", measure, "higher", lambda _: f"no row is predicted to be {label!r}", lambda s: s.predicted == k, compared=False)


def _fewest(scored: Scored, weight: Array, square: Array) -> float:
    """The effective number of rows (Kish 1965) of the class that has the fewest."""
    import numpy as np

    of = [(weight[scored.target == k].sum(), square[scored.target == k].sum()) for k in np.unique(scored.target)]
    return min((float(total**2 / squares) for total, squares in of if squares > 0), default=0.0)


def _ties(scored: Scored, weight: Array, value: float) -> str:
    if scored.rank is None:
        return ""
    off = within(scored.rank, scored.target == 1, weight)
    return f"from a histogram of the scores of all {scored.rows.sum():,} rows: at most {off:.1g} off"


def _positive(scored: Scored) -> str:
    return repr(scored.classes[-1]) if scored.width == 2 else "of any class that the model knows"


def _one_class(scored: Scored) -> str:
    return f"all {scored.rows.sum()} rows are of one class"


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
        return sum((curve(scored.ranked(k), scored.target == k, weights) for k in present), start=np.zeros(weights.shape[1])) / len(present)

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


def _f(beta: float) -> Callable[[Scored, Array], Array]:
    """The harmonic mean of precision and recall, recall counting `beta` times as much (van Rijsbergen 1979)."""

    def measure(scored: Scored, weights: Array) -> Array:
        hit, called, of = _counts(scored, weights)
        return _per_class(scored, (1 + beta**2) * hit, called + beta**2 * of)

    return measure


def _precision(scored: Scored, weights: Array) -> Array:
    hit, called, _ = _counts(scored, weights)
    return _per_class(scored, hit, called)


def _recall(scored: Scored, weights: Array) -> Array:
    hit, _, of = _counts(scored, weights)
    return _per_class(scored, hit, of)


def _ece(scored: Scored, weights: Array) -> Array:
    """Expected calibration error over 15 bins of equal width: how far what was said is from what came true, on average."""
    import numpy as np

    place, said, true = binned(scored)
    return _ratio(np.abs(totals(place, BINS, (true - said)[:, None] * weights)).sum(axis=0), weights.sum(axis=0))
