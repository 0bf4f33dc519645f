"""What each row weighs in the loss."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from mlforge.components import Fitting, Tensors

__all__ = ["ClassWeights", "weighed"]

ClassWeights = Literal["balanced"] | None


def weighed(fitting: Fitting, class_weights: ClassWeights) -> tuple[Tensors, Tensors]:
    """Training and validation rows, each with its own weight times its class's: balanced gives every class of the training rows the same total."""
    if class_weights is None or fitting.output.kind != "classes":
        return fitting.train, fitting.validation
    import numpy as np

    counts = np.bincount(fitting.train.target, minlength=fitting.output.width)
    of_class = (len(fitting.train) / (len(counts) * np.maximum(counts, 1))).astype(np.float32)
    parts = (fitting.train, fitting.validation)
    train, validation = (replace(part, weight=of_class[part.target] * (1.0 if part.weight is None else part.weight)) for part in parts)
    return train, validation
