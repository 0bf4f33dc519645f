"""Counts the answers of the two versions of a canary in one worker."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from mlforge.serving.rollout.figures import Recorder

if TYPE_CHECKING:
    from mlforge.serving.batcher import Ask, Batch, Failure
    from mlforge.serving.lane import Lane
    from mlforge.serving.rollout.comparing import Decider

__all__ = ["Observer"]


class Observer:
    """Observes one lane, after its answers were sent. Attached only while a canary runs."""

    def __init__(self, lane: Lane, recorder: Recorder, decider: Decider, answered: Callable[[int], None] = lambda count: None) -> None:
        self._lane, self._recorder, self._decider, self._answered = lane, recorder, decider, answered
        lane.observers.append(self._seen)
        lane.batcher.failures.append(self._failed)

    def leave(self) -> None:
        """Detach from the lane."""
        self._lane.observers.remove(self._seen)
        self._lane.batcher.failures.remove(self._failed)

    def _seen(self, batch: Batch) -> None:
        """A request counts once, with its first good row."""
        firsts, start = [], 0
        for ask in batch.asks:
            if ask.rows and not (ask.answer.done() and (ask.answer.cancelled() or ask.answer.exception() is not None)):
                firsts.append(start)
            start += ask.rows
        if not firsts:
            return
        predictions = batch.outputs["prediction"][firsts]
        wrong = int((predictions != predictions).sum()) if predictions.dtype.kind == "f" else 0
        self._recorder.run(batch.seconds, start)
        self._recorder.answered(len(firsts), wrong)
        if not wrong:
            self._recorder.decided(self._decider.decided(predictions))
        self._answered(len(firsts))

    def _failed(self, asks: Sequence[Ask], how: Failure) -> None:
        self._recorder.answered(len(asks), len(asks))
        self._answered(len(asks))
