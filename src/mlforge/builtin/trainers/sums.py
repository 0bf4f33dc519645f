"""What validation rows say, summed up: over batches, and over the ranks that each have some of the rows. Imports torch."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch

from mlforge.builtin.trainers.batches import Batch
from mlforge.builtin.trainers.losses import row_losses
from mlforge.task import Output

__all__ = ["Sums"]


class Sums:
    """Weights, weighted losses, rows that are right (or squared errors), rows."""

    def __init__(self) -> None:
        self._parts: list[torch.Tensor] = []

    def add(self, scores: torch.Tensor, batch: Batch) -> None:
        """Take in the rows of a batch that count."""
        scores, target = scores[: batch.real], batch.target[: batch.real]
        losses = row_losses(scores, target)
        weights = torch.ones_like(losses) if batch.weight is None else batch.weight[: batch.real]
        right = _right(scores, target, losses)
        self._parts.append(torch.stack([weights.sum(), (weights * losses).sum(), right.sum(), torch.ones_like(losses).sum()]))

    def values(self, output: Output, reduced: Callable[[torch.Tensor], torch.Tensor]) -> dict[str, float]:
        """Validation loss, and accuracy, root mean squared error in the target's units or bits per byte of texts; `reduced` sums over the ranks.

        A row with labels is right when all of them are.
        """
        sums = torch.stack(self._parts)
        sums = sums.cpu().double().sum(0) if sums.device.type == "mps" else sums.double().sum(0)  # in double, which not every device knows
        weights, loss, right, rows = reduced(sums).tolist()
        values = {"validation/loss": loss / weights}
        if output.kind in ("classes", "labels"):
            values["validation/accuracy"] = right / rows
        if output.kind == "value":
            values["validation/rmse"] = (right / rows) ** 0.5 * output.scale
        if output.kind == "bytes":
            values["validation/bits_per_byte"] = loss / weights / math.log(2)
        return values


def _right(scores: torch.Tensor, target: torch.Tensor, losses: torch.Tensor) -> torch.Tensor:
    """1 for each row that is right: its class, or all of its labels; of values, the squared error."""
    if target.ndim == 1:
        return (scores.argmax(1) == target).float()
    return ((scores >= 0) == (target > 0)).all(1).float() if target.dtype == torch.uint8 else losses
