"""Residual layers. Imports torch: only a model's `build` imports it."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from mlforge.artifact import Block
from mlforge.builtin.models.tabular import CategoryTable

__all__ = ["Norm", "Resnet"]


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


class Resnet(nn.Module):
    """Numbers as they are and a vector per category, side by side, through residual blocks of one width."""

    def __init__(self, blocks: tuple[Block, ...], out: int, width: int, count: int, inner: int, hidden_dropout: float, dropout: float, embedding: int) -> None:
        super().__init__()
        self.names = tuple(block.name for block in blocks)
        self.tables = nn.ModuleDict({block.name: CategoryTable(block.cardinalities, embedding, 0.1) for block in blocks if block.cardinalities})
        first = nn.Linear(sum(block.width * (embedding if block.cardinalities else 1) for block in blocks), width)
        residual = [_Residual(width, inner, hidden_dropout, dropout) for _ in range(count)]
        self.body = nn.Sequential(first, *residual, Norm(width), nn.ReLU(), nn.Linear(width, out))

    def forward(self, *tensors: torch.Tensor) -> torch.Tensor:
        """Raw scores, [rows, out]."""
        parts = [self.tables[name](tensor).flatten(1) if name in self.tables else tensor for name, tensor in zip(self.names, tensors, strict=True)]
        scores: torch.Tensor = self.body(torch.cat(parts, 1))
        return scores
