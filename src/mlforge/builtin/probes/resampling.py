"""Resampling rows with weights that are hashed from the row, so that partitions, processes and paired comparisons agree."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from math import exp, factorial
from statistics import NormalDist
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
    Keys = np.ndarray[tuple[int, ...], np.dtype[np.uint64]]

__all__ = ["affordable", "clopper_pearson", "interval", "mixed", "p_value", "poisson", "resamples", "wilson"]

_LANES = 4  # weights drawn from one 64-bit hash, 16 bits each
_CHUNK = 500_000  # weights held at once: 4 MB, which stays near the processor
_BUDGET = 20_000_000  # weights drawn in all: above this, fewer resamples; intervals over many rows are narrow and need less
_FEWEST = 200
_CELLS = 0x63656C6C  # the seed of draws over cells, which are always in the same order


def affordable(rows: int, wanted: int) -> int:
    """How many resamples to draw over so many rows: a multiple of four, at most as wanted."""
    return max(_LANES, min(wanted, max(_FEWEST, _BUDGET // max(rows, 1))) // _LANES * _LANES)


def resamples(rows: np.ndarray, count: int) -> Iterator[Array]:
    """Poisson(1) weights of shape [rows, a few resamples], `count` in all: the Poisson bootstrap, which needs no row count and so works over partitions.

    `rows` are the rows' numbers: a row has the same weights wherever and beside whichever rows it is drawn.
    """
    import numpy as np

    state = mixed(rows.astype(np.uint64))
    blocks = count // _LANES
    step = max(1, _CHUNK // (_LANES * max(len(rows), 1)))
    for first in range(0, blocks, step):
        block = np.arange(first, min(first + step, blocks), dtype=np.uint64)
        hashed = mixed(state[:, None] + (block[None, :] + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15))
        yield _poisson()[hashed.view(np.uint16)]


def poisson(weight: Array, square: Array, count: int) -> Iterator[Array]:
    """The same of cells of rows, by the sums of their weights and of the squares: each has the mean and the variance that its rows would have together.

    Rows of one weight add up to a Poisson count exactly; of several weights, the count is of as many rows as they are worth (Kish 1965).
    """
    import numpy as np

    draw = np.random.Generator(np.random.PCG64(_CELLS))
    rows = np.divide(weight**2, square, out=np.zeros_like(weight), where=square > 0)
    each = np.divide(square, weight, out=np.zeros_like(weight), where=weight > 0)
    step = max(_LANES, _CHUNK // max(len(weight), 1))
    for first in range(0, count, step):
        counts = draw.poisson(rows[:, None], (len(rows), min(step, count - first))).astype(np.float64)
        yield counts * each[:, None]


def mixed(state: Keys) -> Keys:
    """The finaliser of splitmix64 (Steele, Lea and Flood 2014): every bit of the input moves every bit of the output."""
    import numpy as np

    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


@lru_cache(maxsize=1)
def _poisson() -> Array:
    """The inverse of Poisson(1)'s distribution function on 16 bits."""
    import numpy as np

    cumulated = np.cumsum([exp(-1) / factorial(k) for k in range(9)])
    return np.searchsorted(cumulated, (np.arange(65536) + 0.5) / 65536).astype(np.float64)


def interval(drawn: Array, confidence: float) -> tuple[float, float] | None:
    """The percentile interval of resampled values; None when most of them are undefined."""
    import numpy as np

    defined = drawn[np.isfinite(drawn)]
    if 2 * len(defined) < len(drawn):
        return None
    low, high = np.quantile(defined, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def p_value(drawn: Array) -> float:
    """Two-sided p-value of "the difference is zero": how far out zero lies among resampled ones (Davison and Hinkley 1997: +1 as in every Monte Carlo test)."""
    import numpy as np

    defined = drawn[np.isfinite(drawn)]
    tail = min(int((defined <= 0).sum()), int((defined >= 0).sum()))
    return min(1.0, 2 * (tail + 1) / (len(defined) + 1))


def wilson(share: float, trials: float, confidence: float) -> tuple[float, float]:
    """Wilson's score interval for a share of so many trials; holds at 0 and 1 too. With weights, `trials` is the effective number."""
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    centre = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z / (1 + z * z / trials) * (share * (1 - share) / trials + z * z / (4 * trials * trials)) ** 0.5
    return 0.0 if share <= 0 else max(0.0, centre - half), 1.0 if share >= 1 else min(1.0, centre + half)


def clopper_pearson(share: float, trials: float, confidence: float) -> tuple[float, float]:
    """The exact interval of a mean of values between 0 and 1 that are all 0, or all 1, in so many trials, where resampling has nothing to draw from.

    Were the mean below (α/2)^(1/n), all of n values would be 1 in fewer than α/2 of cases, for the chance that a value is 1 is at most its mean. An area of 1
    under the ROC curve says that each of the disjoint pairs of a positive and a negative row, of which there are as many as the smaller class has, is in order.
    """
    reach = 1 - ((1 - confidence) / 2) ** (1 / max(trials, 1e-9))
    return (0.0, reach) if share <= 0 else (1 - reach, 1.0)
