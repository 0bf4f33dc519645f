"""Residual layers. Imports torch: only a model's `build` imports it."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from mlforge.artifact import Block
from mlforge.builtin.models.periodic import Periodic
from mlforge.builtin.models.tabular import CategoryTable

__all__ = ["Norm", "Reading", "Resnet"]


class Norm(nn.BatchNorm1d):
    """Batch normalisation that takes a batch of one row as well: such a batch has no variance of its own, so what was seen before stands in."""

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """[rows, width] → [rows, width]."""
        if self.training and rows.shape[0] == 1:
            return functional.batch_norm(rows, self.running_mean, self.running_var, self.weight, self.bias, training=False, eps=self.eps)
        return super().forward(rows)


class _Residual(nn.Module):
    """x + what two layers make of it."""

    def __init__(self, width: int, inner: int, hidden_dropout: float, dropout: float) -> None:
        super().__init__()
        layers = Norm(width), nn.Linear(width, inner), nn.ReLU(), nn.Dropout(hidden_dropout), nn.Linear(inner, width), nn.Dropout(dropout)
        self.body = nn.Sequential(*layers)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        added: torch.Tensor = self.body(rows)
        return rows + added


class Reading(nn.Module):
    """Numbers, as they are or with waves, and a vector per category, side by side: [rows, width]."""

    def __init__(self, blocks: tuple[Block, ...], embedding: int, waves: int, spread: float) -> None:
        super().__init__()
        self.parts = nn.ModuleList(_part(block, embedding, waves, spread) for block in blocks)
        numbers = 1 + embedding if waves else 1
        self.width = sum(block.width * (embedding if block.cardinalities else numbers) for block in blocks)

    def forward(self, *tensors: torch.Tensor) -> torch.Tensor:
        """The blocks in their order."""
        return torch.cat([part(tensor).flatten(1) for part, tensor in zip(self.parts, tensors, strict=True)], 1)


class Resnet(nn.Module):
    """What was read, through residual blocks of one width."""

    def __init__(self, reading: Reading, out: int, width: int, count: int, inner: int, hidden_dropout: float, dropout: float) -> None:
        super().__init__()
        self.reading = reading
        residual = [_Residual(width, inner, hidden_dropout, dropout) for _ in range(count)]
        self.body = nn.Sequential(nn.Linear(reading.width, width), *residual, Norm(width), nn.ReLU(), nn.Linear(width, out))

    def forward(self, *tensors: torch.Tensor) -> torch.Tensor:
        """Raw scores, [rows, out]."""
        scores: torch.Tensor = self.body(self.reading(*tensors))
        return scores


def _part(block: Block, embedding: int, waves: int, spread: float) -> nn.Module:
    if block.cardinalities:
        return CategoryTable(block.cardinalities, embedding, 0.1)
    return Periodic(block.width, waves, embedding, spread) if waves else nn.Identity()
