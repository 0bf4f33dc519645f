"""Chances of values at least so large, for whole arrays: what tests of drift are made of, without scipy."""

from __future__ import annotations

from math import lgamma
from statistics import NormalDist
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]

__all__ = ["chance_said", "chi_squared", "clopper_pearson", "gamma", "gathered", "kolmogorov", "normal", "poisson"]

_TERMS = 60
_SMALLEST = 1e-12


def kolmogorov(distance: Array, n: Array, m: Array) -> Array:
    """Two samples of n and m rows from one distribution are at least so far apart: the asymptotic law, with Stephens' correction (1970) for small samples.

    With ties, and where only some points are compared, the chance is smaller: what is told is an upper bound.
    """
    import numpy as np

    root = np.sqrt(n * m / (n + m))
    scaled = np.maximum((root + 0.12 + 0.11 / root) * distance, 0.2)  # below, the series does not converge, and the chance is 1
    ranks = np.arange(1, 31)
    signs = np.where(ranks % 2, 2.0, -2.0)
    told = (signs * np.exp(-2 * (ranks * scaled[..., None]) ** 2)).sum(axis=-1)
    return np.where(scaled <= 0.2, 1.0, np.clip(told, 0.0, 1.0))


def gamma(value: Array, mean: Array, variance: Array) -> Array:
    """A gamma distribution of this mean and variance is at least so large: what sums of squares are like (Wilson and Hilferty, 1931)."""
    import numpy as np

    safe = (mean > 0) & (variance > 0)
    mean, variance = np.where(safe, mean, 1.0), np.where(safe, variance, 1.0)
    degrees = 2 * mean**2 / variance
    return np.where(safe & (value > 0), chi_squared(value * degrees / mean, degrees), 1.0)


def chi_squared(value: Array, degrees: Array) -> Array:
    """Chi-squared with so many degrees of freedom is at least so large: the regularised incomplete gamma function (Numerical Recipes, 6.2)."""
    import numpy as np

    a, x = np.asarray(degrees, dtype=float) / 2, np.maximum(np.asarray(value, dtype=float) / 2, 1e-300)
    a, x = np.broadcast_arrays(a, x)
    front = np.exp(np.clip(a * np.log(x) - x - np.vectorize(lgamma, otypes=[float])(a), -745, 700))
    low = x < a + 1
    term = total = 1 / a
    for step in range(1, 400):
        term = np.where(low, term * x / (a + step), 0.0)
        total = total + term
        if not (term > total * 1e-12).any():
            break
    beyond: Array = np.clip(np.where(low, 1 - front * total, front * _fraction(a, np.where(low, a + 1, x))), 0.0, 1.0)
    return beyond


def _fraction(a: Array, x: Array) -> Array:
    """The upper function's continued fraction, by Lentz's method."""
    import numpy as np

    b = x + 1 - a
    c = np.full_like(b, 1e300)
    d = 1 / b
    told = d
    for step in range(1, 400):
        factor = -step * (step - a)
        b = b + 2
        d = factor * d + b
        d = 1 / np.where(np.abs(d) < 1e-300, 1e-300, d)
        c = b + factor / c
        c = np.where(np.abs(c) < 1e-300, 1e-300, c)
        told = told * d * c
        if not (np.abs(d * c - 1) > 1e-12).any():
            break
    return told


def poisson(count: Array, mean: Array) -> Array:
    """So many or more, where `mean` are expected; for small counts."""
    import numpy as np

    logs = np.vectorize(lgamma, otypes=[float])
    first = np.exp(count * np.log(np.maximum(mean, 1e-300)) - mean - logs(count + 1))
    steps = count[..., None] + np.arange(1, _TERMS)
    told = first * (1 + np.cumprod(mean[..., None] / steps, axis=-1).sum(axis=-1))
    upper = np.where(count > mean, told, 1.0)  # the sum of the tail converges there; elsewhere nothing is unusual
    return np.where(count <= 0, 1.0, np.clip(upper, 0.0, 1.0))


def gathered(place: npt.NDArray[np.int64], of: Array, count: int) -> Array:
    """Sums of values by their places."""
    import numpy as np

    return np.bincount(place, weights=of, minlength=count).astype(np.float64)


def chance_said(p: float) -> str:
    """ "p = 0.012"; very small ones are not told apart, since nobody computes them so exactly."""
    return f"p = {p:.2g}" if p >= _SMALLEST else f"p < {_SMALLEST:g}"


def normal(z: float) -> float:
    """The chance of a value at least so far from the middle, on either side."""
    return 2 * NormalDist().cdf(-abs(z))


def clopper_pearson(hits: int, trials: int, confidence: float) -> tuple[float, float]:
    """The exact interval of a share, by bisection of the binomial law."""
    tail = (1 - confidence) / 2
    low = 0.0 if not hits else _solved(lambda p: _at_least(hits, trials, p), tail)
    high = 1.0 if hits == trials else _solved(lambda p: _at_least(hits + 1, trials, p), 1 - tail)
    return low, high


def _at_least(hits: int, trials: int, p: float) -> float:
    import numpy as np

    counts = np.arange(trials + 1)
    logs = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, trials + 1)))])
    terms = np.exp(logs[trials] - logs[counts] - logs[trials - counts] + counts * np.log(p) + (trials - counts) * np.log1p(-p))
    return float(terms[hits:].sum())


def _solved(rising: object, wanted: float) -> float:
    assert callable(rising)
    low, high = 1e-12, 1 - 1e-12
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < wanted else (low, middle)
    return (low + high) / 2
