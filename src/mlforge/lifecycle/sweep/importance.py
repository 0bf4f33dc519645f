"""How much of what trials came to is explained by each thing that was varied."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from statistics import fmean

__all__ = ["importance"]

_BINS = 4  # into which numbers are put, equally full


def importance(shares: Mapping[str, Sequence[float]], scores: Sequence[float]) -> dict[str, float]:
    """By entry, the share (0 to 1) of the scores' variance that the entry's value alone explains.

    It is the correlation ratio over groups of trials with like values, corrected for the number of groups (epsilon squared; Truman Kelley, An Unbiased
    Correlation Ratio Measure, 1935), so that what has no effect comes out at about 0 also with few trials. `shares` is where each value lies in its law.
    """
    return {name: _explained(_grouped(places), scores) for name, places in shares.items()}


def _grouped(places: Sequence[float]) -> list[Hashable]:
    if len(set(places)) <= _BINS:
        return list(places)
    order = sorted(range(len(places)), key=lambda one: places[one])
    groups: list[Hashable] = [0] * len(places)
    for rank, one in enumerate(order):
        groups[one] = rank * _BINS // len(places)
    return groups


def _explained(groups: Sequence[Hashable], scores: Sequence[float]) -> float:
    names = set(groups)
    free = len(scores) - len(names)
    if free < 1 or len(names) < 2:
        return 0.0
    mean = fmean(scores)
    total = sum((score - mean) ** 2 for score in scores)
    if not total > 0:
        return 0.0
    members = {name: [score for group, score in zip(groups, scores, strict=True) if group == name] for name in names}
    within = sum((score - fmean(some)) ** 2 for some in members.values() for score in some)
    return max(0.0, (total - within - (len(names) - 1) * within / free) / total)
