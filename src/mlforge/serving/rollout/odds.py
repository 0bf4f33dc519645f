"""A sequential test that may be looked at any time: is an event likelier with the newcomer than with the incumbent?

Each look is a 2×2 table: events among the newcomer's answers and among the incumbent's since the look before. Given the table's margins, the newcomer's
events are hypergeometric when both have the same odds, whatever those are and however they drift from look to look; with an odds ratio ω they follow
Fisher's noncentral hypergeometric distribution. The likelihood ratio of the two is an e-value without nuisance parameters, and the product over the looks,
averaged over several ω, a nonnegative supermartingale under "no worse than the tolerated odds ratio". By Ville's inequality it ever reaches 1/α with a
probability of at most α, so that one may look after each answer and stop at any time. A newcomer may be well at first: the mixture is over starts, too, each
of which takes only the looks after it.

Sources: J. Ville, Étude critique de la notion de collectif (1939); H. Robbins, Statistical methods related to the law of the iterated logarithm, Ann. Math.
Stat. 41 (1970), for the mixture; P. Grünwald, R. de Heide, W. Koolen, Safe testing, J. R. Stat. Soc. B 86 (2024), for e-values; M. Lindon, A. Malek,
Anytime-valid inference for multinomial count data, NeurIPS 2022, for its use in software deployments.
"""

from __future__ import annotations

from math import log
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Counts", "OddsTest"]

Counts: TypeAlias = NDArray[np.int64]

RATIOS = (1.25, 1.6, 2.0, 3.0, 5.0, 10.0, 30.0)
"""How much worse than tolerated an event's odds may be: the alternatives that the mixture is over, with equal weights."""

_SMALL = 256
_TABLE = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, _SMALL)))])


class OddsTest:
    """Evidence that one of several events is likelier with the newcomer than `tolerated` times the odds that it has with the incumbent."""

    def __init__(self, events: int, tolerated: float = 1.0, starts: int = 1) -> None:
        self._logs = np.log(np.asarray((1.0, *RATIOS)) * tolerated)
        self._wealth = np.zeros((starts, events, len(RATIOS)))
        self._started = 1

    @property
    def evidence(self) -> float:
        """Logarithm of the e-process: at least log(1/α) with a probability of at most α, ever, if the newcomer is no worse than tolerated."""
        top = self._wealth.max(initial=-np.inf)
        return float(top + log(np.exp(self._wealth - top).mean())) if self._wealth.size else 0.0

    @property
    def loudest(self) -> int:
        """The index of the event with the most evidence."""
        return int(self._wealth.max(axis=(0, 2)).argmax())

    def start(self) -> None:
        """Begin once more, besides; at most as often as was said."""
        self._started += 1

    def look(self, newcomer: Counts, incumbent: Counts) -> None:
        """Take what came since the last look: both of shape [events, strata, 2], as (events, answers). A stratum is compared with itself only."""
        new, old = newcomer.reshape(-1, 2), incumbent.reshape(-1, 2)
        known = (new[:, 1] > 0) & (old[:, 1] > 0) & (new[:, 0] + old[:, 0] > 0)
        if not known.any():
            return
        gain = np.zeros((len(new), len(RATIOS)))
        gain[known] = _ratios(new[known], old[known], self._logs)
        self._wealth[: self._started] += gain.reshape(self._wealth.shape[1], -1, len(RATIOS)).sum(axis=1)


def _ratios(new: Counts, old: Counts, logs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log likelihood ratio of each table, [tables, ratios], of the odds ratios exp(logs[1:]) against exp(logs[0])."""
    total = new[:, 0] + old[:, 0]
    low, high = np.maximum(0, total - old[:, 1]), np.minimum(total, new[:, 1])
    x = low[:, None] + np.arange(int((high - low).max()) + 1)
    inside = x <= high[:, None]
    x = np.minimum(x, high[:, None])
    weights = np.where(inside, _choose(new[:, 1:], x) + _choose(old[:, 1:], total[:, None] - x), -np.inf)
    terms = weights[:, None, :] + x[:, None, :] * logs[:, None]
    top = terms.max(axis=2, keepdims=True)
    normaliser = top[:, :, 0] + np.log(np.exp(terms - top).sum(axis=2))
    likelihood = new[:, :1] * logs - normaliser
    return np.asarray(likelihood[:, 1:] - likelihood[:, :1])


def _choose(n: Counts, k: Counts) -> NDArray[np.float64]:
    return _factorial(n) - _factorial(k) - _factorial(n - k)


def _factorial(n: Counts) -> NDArray[np.float64]:
    """Its logarithm: from a table, or by Stirling's series, whose first left-out term is below 1e-15 from 256 on."""
    big = np.maximum(n, _SMALL).astype(float)
    stirling = big * np.log(big) - big + 0.5 * np.log(2 * np.pi * big) + 1 / (12 * big) - 1 / (360 * big**3)
    return np.where(n < _SMALL, _TABLE[np.minimum(n, _SMALL - 1)], stirling)
