"""How the learning rate goes over a run: a function of the step alone, so that a continued run has nothing to restore."""

from __future__ import annotations

import math
from typing import Literal

__all__ = ["Schedule", "factor"]

Schedule = Literal["constant", "cosine", "one_cycle"]

_WARM = 0.3  # share of the steps in which one_cycle rises
_FIRST, _LAST = 1 / 25, 1 / 250_000  # where one_cycle begins and ends, as Smith and Topin's policy is commonly set


def factor(schedule: Schedule, step: int, steps: int, warmup: float = 0.0) -> float:
    """What to multiply the learning rate with at a step (from 0) of so many; in the first share of them it rises in even steps to where the schedule begins."""
    rising = int(warmup * steps)
    if step < rising:
        return (step + 1) / (rising + 1) * _scheduled(schedule, 0, steps - rising)
    return _scheduled(schedule, step - rising, steps - rising)


def _scheduled(schedule: Schedule, step: int, steps: int) -> float:
    if schedule == "constant" or steps <= 1:
        return 1.0
    done = min(step / (steps - 1), 1.0)
    if schedule == "cosine":
        return _cosine(1.0, 0.0, step / steps)
    return _cosine(_FIRST, 1.0, done / _WARM) if done < _WARM else _cosine(1.0, _LAST, (done - _WARM) / (1 - _WARM))


def _cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2
