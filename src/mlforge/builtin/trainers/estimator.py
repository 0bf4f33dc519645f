"""The trainer for things with a fit of their own."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, cast

from pydantic import Field

from mlforge.builtin.trainers.record import Record, Rule
from mlforge.builtin.trainers.weighing import ClassWeights, weighed
from mlforge.components import Estimator as Fittable
from mlforge.components import Fitting, Tensors, Trainer
from mlforge.errors import RunFailed
from mlforge.finding import Finding

if TYPE_CHECKING:
    import numpy as np

    from mlforge.task import Output

__all__ = ["Estimator"]

_ROWS = 16_384  # scored at a time


class Estimator(Trainer):
    """Fits models that bring a fit of their own: boosted trees, forests, linear solvers."""

    libraries: ClassVar[tuple[str, ...]] = ("numpy",)
    fits: ClassVar[frozenset[str]] = frozenset({"estimator"})

    class_weights: ClassWeights = Field(default=None, description="balanced: every class weighs the same in the loss, however rare")
    threads: int | None = Field(default=None, ge=1, description="CPU threads; null: as many as there are")

    def fit(self, fitting: Fitting) -> None:
        """Fit from the start: an estimator's fit is deterministic, so that one that was killed ends with the same bytes when it is done again."""
        if not len(fitting.validation):
            raise RunFailed("trainer: there are no validation rows to judge the fit by", hint="Give the split a validation share.")
        train, validation = weighed(fitting, self.class_weights)
        built = cast("Fittable", fitting.model.build(fitting.blocks, fitting.output))
        start = time.perf_counter()
        rounds = built.fit(replace(fitting, train=train, validation=validation, threads=self.threads))
        seconds = time.perf_counter() - start
        record = Record()
        for values in rounds or [{"validation/loss": _loss(built, validation, fitting.output)}]:
            _finite(values["validation/loss"])
            record.note(dict(values), Rule(len(rounds)))
        built.save(fitting.folder)
        record.write(fitting.folder)
        fitting.find(Finding(name="train/seconds", value=seconds, unit="s", volatile=True, better="lower", text="time to fit, without reading the rows"))


def _finite(loss: float) -> None:
    if not loss - loss == 0:  # neither infinite nor NaN
        raise RunFailed(f"trainer: the validation loss is {loss}", hint="Try a smaller learning rate or more regularisation, and look at the features' scale.")


def _loss(built: Fittable, part: Tensors, output: Output) -> float:
    """Mean cross-entropy of class ids, mean squared error of standardised values."""
    import numpy as np

    total = weights = 0.0
    for start in range(0, len(part), _ROWS):
        some = slice(start, start + _ROWS)
        losses = _losses(built.scores(tuple(block[some] for block in part.blocks)).astype(np.float64), np.asarray(part.target[some]), output)
        weight = np.ones(len(losses)) if part.weight is None else part.weight[some].astype(np.float64)
        total, weights = total + float((losses * weight).sum()), weights + float(weight.sum())
    return total / weights


def _losses(scores: np.ndarray, target: np.ndarray, output: Output) -> np.ndarray:
    import numpy as np

    if output.kind == "value":
        squares: np.ndarray = (scores[:, 0] - target[:, 0].astype(np.float64)) ** 2
        return squares
    highest = scores.max(1, keepdims=True)
    logarithms: np.ndarray = np.log(np.exp(scores - highest).sum(1)) + highest[:, 0] - scores[np.arange(len(scores)), target]
    return logarithms
