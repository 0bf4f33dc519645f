"""What scores say of a model's performance before any label is there, and how sure that is (confidence-based performance estimation).

Each row counts with the share of test rows with its score that came true. The deviation is that of what will be realised around the estimate: labels are drawn
with these shares, and the shares are known from so many labels of the test rows. Both act on a measure by its slope, that is by how much it changes with one
label more that comes true in a bin (the delta method; of ranks as DeLong, DeLong and Clarke-Pearson have it, 1988).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlforge.builtin.monitors.scores import Curve, Scores
from mlforge.builtin.monitors.tails import gathered

if TYPE_CHECKING:
    from mlforge.builtin.monitors.tails import Array

__all__ = ["MEASURES", "Estimate"]


@dataclass(frozen=True)
class Estimate:
    """A measure as it should be, with the deviation of what will be realised around it."""

    value: float
    deviation: float


def _accuracy(scores: Scores, curve: Curve) -> Estimate:
    rows, no_said = scores.rows.sum(), scores.rows - scores.yes_said
    q = curve.share
    value = (scores.yes_said * q + no_said * (1 - q)).sum() / rows
    sampled = (scores.rows * q * (1 - q)).sum() / rows**2  # the slope of a row is 1 or -1, and a bin may have rows of both
    return Estimate(float(value), float((sampled + _unsure(curve, (scores.yes_said - no_said) / rows)) ** 0.5))


def _log_loss(scores: Scores, curve: Curve) -> Estimate:
    import numpy as np

    rows, q = scores.rows.sum(), curve.share
    p = np.clip(scores.mean(scores.score, scores.rows), 1e-9, 1 - 1e-9)
    slope = np.log((1 - p) / p) / rows
    value = -(scores.rows * (q * np.log(p) + (1 - q) * np.log1p(-p))).sum() / rows
    return Estimate(float(value), _deviation(scores, curve, slope))


def _roc_auc(scores: Scores, curve: Curve) -> Estimate:
    """From expected positives and negatives in each bin; a label more that comes true outranks those below, not those above, and counts itself."""
    import numpy as np

    yes, no = scores.rows * curve.share, scores.rows * (1 - curve.share)
    n, m = yes.sum(), no.sum()
    if n < 1 or m < 1:
        return Estimate(0.5, 0.5)
    below, above = np.cumsum(no) - no / 2, n - np.cumsum(yes) + yes / 2
    auc = float((yes * below).sum() / (n * m))
    slope = (below - above) / (n * m) - auc * (1 / n - 1 / m)
    return Estimate(auc, _deviation(scores, curve, slope))


MEASURES: Mapping[str, Callable[[Scores, Curve], Estimate]] = {"accuracy": _accuracy, "log_loss": _log_loss, "roc_auc": _roc_auc}
"""By name."""


def _deviation(scores: Scores, curve: Curve, slope: Array) -> float:
    """Of a measure with this slope in each bin."""
    sampled = (scores.rows * curve.share * (1 - curve.share) * slope**2).sum()
    return float((sampled + _unsure(curve, scores.rows * slope)) ** 0.5)


def _unsure(curve: Curve, weight: Array) -> float:
    """The variance that comes of not knowing the curve: bins of one block are wrong together."""
    import numpy as np

    together, share = gathered(curve.block, weight, len(curve.labels)), np.zeros(len(curve.labels))
    share[curve.block] = curve.share
    return float((together**2 * share * (1 - share) / (curve.labels + 2)).sum())
