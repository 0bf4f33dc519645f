"""Losses row by row, and their mean over a step. Imports torch."""

from __future__ import annotations

import math

import torch
from torch.nn import functional

from mlforge.builtin.trainers.batches import Batch

__all__ = ["mean", "row_losses"]


def row_losses(scores: torch.Tensor, target: torch.Tensor, smoothing: float = 0.0) -> torch.Tensor:
    """One loss a row: cross-entropy of class ids, squared error of values; of labels, the mean of
    each one's cross-entropy; of texts, whose bits a network counts itself, nats per byte."""
    scores = scores.float()
    if target.ndim == 1:
        return functional.cross_entropy(scores, target, reduction="none", label_smoothing=smoothing)
    if target.dtype == torch.uint8:  # labels
        wanted = target.float() * (1 - smoothing) + smoothing / 2
        return functional.binary_cross_entropy_with_logits(scores, wanted, reduction="none").mean(1)
    if not target.is_floating_point():  # numbers of bytes, [rows, 1]; scores end in bits and bytes
        return scores[:, -2] / scores[:, -1].clamp_min(1) * math.log(2)
    return (scores - target).square().squeeze(1)


def mean(losses: torch.Tensor, batch: Batch) -> torch.Tensor:
    """The weighted mean of a step's losses; of a portion of a step, what the mean over the step's portions is made from."""
    if batch.scale is not None:
        losses = losses[: batch.real]
        return (losses.sum() if batch.weight is None else (losses * batch.weight[: batch.real]).sum()) * batch.scale
    return losses.mean() if batch.weight is None else (losses * batch.weight).sum() / batch.weight.sum().clamp_min(1e-12)
