"""Measures of labels that do not exclude each other: of each, of all rows' labels together (micro), and as the plain mean over labels (macro)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlforge.builtin.probes.measuring import Metric
from mlforge.builtin.probes.ranking import average_precision, roc_auc
from mlforge.builtin.probes.sums import mean

if TYPE_CHECKING:
    import numpy as np

    from mlforge.builtin.probes.resampling import Array

__all__ = ["Labelled", "metrics"]

Curve = Callable[["Array", "np.ndarray", "Array"], "Array"]
Share = Callable[["Array", "Array", "Array"], "tuple[Array, Array]"]  # hits, called, there → numerator, denominator


@dataclass(frozen=True)
class Labelled:
    """Rows with labels, and what a model said of each."""

    target: np.ndarray  # bool [rows, labels]
    predicted: np.ndarray  # bool [rows, labels]
    probability: Array  # [rows, labels]


def metrics(labels: tuple[str, ...], beta: float | None = None) -> list[Metric[Labelled]]:
    """Every measure; with a `beta` also `f_beta`."""
    kinds: list[tuple[str, Share]] = [
        ("f1", _f(1.0)),
        ("precision", lambda hit, called, there: (hit, called)),
        ("recall", lambda hit, called, there: (hit, there)),
    ]
    kinds += [] if beta is None else [("f_beta", _f(beta))]
    curves: list[tuple[str, Curve]] = [("roc_auc", roc_auc), ("pr_auc", average_precision)]
    none = "no label is on some rows and not on others"
    return [
        *(Metric(name, _macro_area(curve), "higher", lambda _: none) for name, curve in curves),
        *(Metric(f"{name}_micro", _micro_area(curve), "higher", lambda _: none) for name, curve in curves),
        Metric("log_loss", _log_loss, "lower"),
        Metric("brier", lambda s, weights: mean(((s.probability - s.target) ** 2).mean(axis=1), weights), "lower"),
        Metric("hamming_loss", lambda s, weights: mean((s.target != s.predicted).mean(axis=1), weights), "lower"),
        Metric("subset_accuracy", lambda s, weights: mean(_whole(s).astype(float), weights), "higher", trials=lambda s: _whole(s) | True),
        *(Metric(name, _macro(share), "higher") for name, share in kinds),
        *(Metric(f"{name}_micro", _micro(share), "higher", lambda _: "no row has a label or is said to have one") for name, share in kinds),
        *(metric for k, label in enumerate(labels) for metric in _of_label(k, label, curves, kinds)),
    ]


def _of_label(k: int, label: str, curves: list[tuple[str, Curve]], kinds: list[tuple[str, Share]]) -> list[Metric[Labelled]]:
    """The measures of one label; they are not compared with the champion's."""

    def area(curve: Curve) -> Callable[[Labelled, Array], Array]:
        return lambda s, weights: curve(s.probability[:, k], s.target[:, k], weights)

    def share(of: Share) -> Callable[[Labelled, Array], Array]:
        return lambda s, weights: _ratio(*of(*(sums[k] for sums in _counts(s, weights))))

    def few(s: Labelled, weight: Array, square: Array) -> float:
        sides = [(float(weight[side].sum()), float(square[side].sum())) for side in (s.target[:, k], ~s.target[:, k])]
        return min((total**2 / squares for total, squares in sides if squares > 0), default=0.0)

    found = f"{label} is on all rows or on none"
    nowhere = f"no row has {label} or is said to have it"
    return [
        *(Metric(f"{name}/{label}", area(curve), "higher", lambda _: found, few=few, compared=False) for name, curve in curves),
        *(Metric(f"{name}/{label}", share(of), "higher", lambda _: nowhere, few=few, compared=False) for name, of in kinds),
    ]


def _whole(scored: Labelled) -> np.ndarray:
    """The rows of which every label is right."""
    right: np.ndarray = (scored.target == scored.predicted).all(axis=1)
    return right


def _log_loss(scored: Labelled, weights: Array) -> Array:
    """The mean over labels of each one's cross-entropy."""
    import numpy as np

    smallest = np.finfo(np.float64).eps
    of = np.clip(np.where(scored.target, scored.probability, 1 - scored.probability), smallest, 1 - smallest)
    return mean(-np.log(of).mean(axis=1), weights)


def _macro_area(curve: Curve) -> Callable[[Labelled, Array], Array]:
    """The plain mean over the labels that some rows have and others do not."""

    def measure(scored: Labelled, weights: Array) -> Array:
        import numpy as np

        values = [curve(scored.probability[:, k], scored.target[:, k], weights) for k in _varying(scored)]
        return np.mean(values, axis=0) if values else np.full(weights.shape[1], np.nan)

    return measure


def _micro_area(curve: Curve) -> Callable[[Labelled, Array], Array]:
    """One curve over every label of every row."""

    def measure(scored: Labelled, weights: Array) -> Array:
        import numpy as np

        if not _varying(scored):
            return np.full(weights.shape[1], np.nan)
        return curve(scored.probability.ravel(), scored.target.ravel(), np.repeat(weights, scored.target.shape[1], axis=0))

    return measure


def _varying(scored: Labelled) -> list[int]:
    return [k for k in range(scored.target.shape[1]) if 0 < int(scored.target[:, k].sum()) < len(scored.target)]


def _counts(scored: Labelled, weights: Array) -> tuple[Array, Array, Array]:
    """Weights of the rows that have each label and are said to, are said to, and have it: three times [labels, weightings]."""
    import numpy as np

    hit, called, there = (np.einsum("nl,nb->lb", of.astype(np.float64), weights) for of in (scored.target & scored.predicted, scored.predicted, scored.target))
    return hit, called, there


def _f(beta: float) -> Share:
    return lambda hit, called, there: ((1 + beta**2) * hit, called + beta**2 * there)


def _macro(share: Share) -> Callable[[Labelled, Array], Array]:
    """The plain mean over labels, 0/0 counting as 0 as in scikit-learn."""
    return lambda scored, weights: _ratio(*share(*_counts(scored, weights)), otherwise=0.0).mean(axis=0)


def _micro(share: Share) -> Callable[[Labelled, Array], Array]:
    def measure(scored: Labelled, weights: Array) -> Array:
        hit, called, there = (sums.sum(axis=0) for sums in _counts(scored, weights))
        return _ratio(*share(hit, called, there))

    return measure


def _ratio(above: Array, below: Array, otherwise: float = float("nan")) -> Array:
    import numpy as np

    ratio: Array = np.divide(above, below, out=np.full_like(above, otherwise), where=below > 0)
    return ratio
