"""How well scores put the rows of one group in order. Rows with one score are in every order equally often: what is told is the mean over these."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import comb
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from mlforge.builtin.probes.resampling import Array

__all__ = ["Ranked", "average_precision", "ndcg", "ranked", "recall", "reciprocal_rank"]


@dataclass(frozen=True)
class Ranked:
    """The rows of one group by falling score."""

    relevance: Array  # of each row, at least 0
    found: np.ndarray  # whether it is one of those that should be found
    ties: tuple[tuple[int, int], ...]  # rows of one score: from, to (exclusive)


def ranked(relevance: Array, score: Array, relevant: float) -> Ranked:
    """A group's rows in order; those of which the relevance is above `relevant` are to be found."""
    import numpy as np

    order = np.argsort(-score, kind="stable")
    relevance, score = relevance[order], score[order]
    ends = np.flatnonzero(np.r_[score[1:] != score[:-1], True]) + 1
    return Ranked(relevance, relevance > relevant, tuple(zip([0, *ends[:-1].tolist()], ends.tolist(), strict=True)))


def ndcg(one: Ranked, k: int) -> float:
    """Discounted cumulative gain of the first k over the best that can be had (Järvelin and Kekäläinen 2002), gains linear; NaN where nothing is relevant."""
    import numpy as np

    discount = 1 / np.log2(np.arange(len(one.relevance)) + 2)
    discount[k:] = 0
    best = float((np.sort(one.relevance)[::-1] * discount).sum())
    if best <= 0:
        return float("nan")
    return sum(float(one.relevance[start:stop].mean() * discount[start:stop].sum()) for start, stop in one.ties) / best


def average_precision(one: Ranked) -> float:
    """The mean precision at the rows that are to be found, rows of one score being called together; NaN where there are none."""
    import numpy as np

    wanted = int(one.found.sum())
    if not wanted:
        return float("nan")
    hits = np.cumsum(one.found)
    return sum(float(one.found[start:stop].sum()) * float(hits[stop - 1]) / stop for start, stop in one.ties) / wanted


def reciprocal_rank(one: Ranked) -> float:
    """One over the place of the first row that is to be found; NaN where there are none."""
    for start, stop in one.ties:
        hits, size = int(one.found[start:stop].sum()), stop - start
        if hits:
            return sum(comb(size - place, hits - 1) / (start + place) for place in range(1, size - hits + 2)) / comb(size, hits)
    return float("nan")


def recall(one: Ranked, k: int) -> float:
    """The share of the rows to be found that are among the first k; NaN where there are none."""
    wanted = int(one.found.sum())
    return sum(one.found[start:stop].sum() * share for start, stop, share in _within(one.ties, k)) / wanted if wanted else float("nan")


def _within(ties: Sequence[tuple[int, int]], k: int) -> Iterator[tuple[int, int, float]]:
    for start, stop in ties:
        if start >= k:
            return
        yield start, stop, min(1.0, (k - start) / (stop - start))
