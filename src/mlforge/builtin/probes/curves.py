"""What stands behind measures of classes: curves, calibration bins and the confusion matrix, small enough for a finding's evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlforge.builtin.probes.scored import BINS, UNSEEN, Scored
from mlforge.builtin.probes.sums import totals

if TYPE_CHECKING:
    import numpy as np

    from mlforge.builtin.probes.resampling import Array

__all__ = ["MOST_CLASSES", "binned", "confusion", "precision_curve", "reliability", "roc_curve"]

POINTS = 60  # of a curve
MOST_CLASSES = 30  # in the confusion matrix


def binned(scored: Scored) -> tuple[np.ndarray, Array, Array]:
    """Each row's calibration bin, the probability said and whether it came true: of the positive class, or of the predicted one."""
    import numpy as np

    if scored.width == 2:
        said, true = scored.probability[:, 1], (scored.target == 1).astype(float)
    else:
        said, true = scored.probability.max(axis=1), (scored.probability.argmax(axis=1) == scored.target).astype(float)
    if scored.place is not None:
        return scored.place, said, true
    return np.clip(np.ceil(said * BINS).astype(int) - 1, 0, BINS - 1), said, true


def reliability(scored: Scored, weight: Array) -> dict[str, Any]:
    """What was said and what came true, by bin of the calibration."""
    import numpy as np

    place, said, true = binned(scored)
    rows = np.bincount(place, weights=scored.rows, minlength=BINS)
    of, sums, hits = totals(place, BINS, np.column_stack([weight, said * weight, true * weight])).T
    bins = [{"rows": int(rows[b]), "said": float(sums[b] / of[b]), "true": float(hits[b] / of[b])} for b in range(BINS) if of[b] > 0]
    return {"bins": bins}


def roc_curve(scored: Scored, weight: Array) -> dict[str, Any]:
    """The receiver operating characteristic of two classes, thinned: false alarms and hits."""
    import numpy as np

    if scored.width != 2 or not scored.present():
        return {}
    alarms, hits = _thresholds(scored, weight)
    return {"curve": np.column_stack([alarms / alarms[-1], hits / hits[-1]]).round(4).tolist()} if alarms[-1] > 0 and hits[-1] > 0 else {}


def precision_curve(scored: Scored, weight: Array) -> dict[str, Any]:
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

    score, positive = scored.ranked(1), scored.target == 1
    order = np.argsort(-score, kind="stable")
    ends = np.flatnonzero(np.r_[score[order][1:] != score[order][:-1], True])
    ends = ends[np.unique(np.linspace(0, len(ends) - 1, POINTS).round().astype(int))]
    alarms, hits = (np.r_[0.0, np.cumsum((weight * of)[order])[ends]] for of in (~positive, positive))
    return alarms, hits


def confusion(scored: Scored, weight: Array) -> dict[str, Any]:
    """Rows (unweighted) by class, down, and prediction, across; only its size where there are too many classes to read."""
    import numpy as np

    unseen = int(scored.rows[scored.target == UNSEEN].sum())
    evidence: dict[str, Any] = {"unseen_class_rows": unseen} if unseen else {}
    if scored.width <= MOST_CLASSES:
        matrix = np.zeros((scored.width, scored.width), dtype=int)
        known = (scored.target >= 0) & (scored.predicted >= 0)
        np.add.at(matrix, (scored.target[known], scored.predicted[known]), scored.rows[known])
        evidence |= {"classes": list(scored.classes), "confusion": matrix.tolist()}
    return evidence
