"""Multiple testing over columns: Holm for the chance of any false alarm, Benjamini and Hochberg for the share of false ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from mlforge.builtin.monitors.tails import Array

__all__ = ["Correction", "adjusted"]

Correction = Literal["holm", "fdr"]


def adjusted(p: Array, correction: Correction) -> Array:
    """P-values that can each be held against the promised level, over the last axis.

    `holm`: the chance of any false alarm (Holm, 1979). `fdr`: the expected share of false ones among the alarms (Benjamini and Hochberg, 1995); the chance
    of an alarm where nothing has drifted is the same.
    """
    import numpy as np

    count = p.shape[-1]
    order = np.argsort(p, axis=-1, kind="stable")
    ranked = np.take_along_axis(p, order, axis=-1)
    if correction == "holm":
        told = np.maximum.accumulate(ranked * np.arange(count, 0, -1), axis=-1)
    else:
        told = np.minimum.accumulate((ranked * count / np.arange(1, count + 1))[..., ::-1], axis=-1)[..., ::-1]
    back = np.empty_like(p)
    np.put_along_axis(back, order, np.minimum(told, 1.0), axis=-1)
    return back
