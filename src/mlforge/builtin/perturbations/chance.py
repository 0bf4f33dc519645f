"""Chance that follows from a row's key alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlforge.builtin.probes.resampling import mixed

if TYPE_CHECKING:
    import numpy as np

__all__ = ["uniform"]


def uniform(keys: np.ndarray, draw: int) -> np.ndarray:
    """A number in [0, 1) for each key; another `draw` gives independent ones."""
    import numpy as np

    return (mixed(keys.astype(np.uint64) + np.uint64((draw + 1) * 0x9E3779B97F4A7C15 % 2**64)) >> np.uint64(11)) / float(1 << 53)
