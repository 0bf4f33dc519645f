"""How a network reads numbers and categories. Imports torch: only a model's `build` imports it."""

from __future__ import annotations

from itertools import accumulate

import torch
from torch import nn

from mlforge.artifact import Block

__all__ = ["CategoryTable", "Mlp", "WideLinear"]


class CategoryTable(nn.Module):
    """One vector per category of every column, in one table: [rows, columns] of ids → [rows, columns, width].

    Row 0 of each column (missing, unseen or rare) starts at zero: where training has no such row it stays neutral.
    """

    def __init__(self, cardinalities: tuple[int, ...], width: int, spread: float) -> None:
        super().__init__()
        starts = [0, *accumulate(cardinalities)]
        self.offsets: torch.Tensor
        self.register_buffer("offsets", torch.tensor(starts[:-1]), persistent=False)
        self.table = nn.Parameter(torch.randn(starts[-1], width) * spread)
        with torch.no_grad():
            self.table[self.offsets] = 0

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """The vectors of these ids."""
        vectors = self.table.index_select(0, (ids + self.offsets).flatten())  # its gradient costs a quarter of that of nn.Embedding on a CPU
        return vectors.view(-1, *self.offsets.shape, self.table.shape[1])


class WideLinear(nn.Module):
    """A weight for each number and for each category, and a bias: what a linear layer over one-hot columns computes, without making them."""

    def __init__(self, blocks: tuple[Block, ...], width: int) -> None:
        super().__init__()
        self.names = tuple(block.name for block in blocks)
        self.bias = nn.Parameter(torch.zeros(width))
        self.parts = nn.ModuleDict({block.name: _weights(block, width) for block in blocks})

    def forward(self, *tensors: torch.Tensor) -> torch.Tensor:
        """[rows, width]."""
        total = self.bias
        for name, tensor in zip(self.names, tensors, strict=True):
            part = self.parts[name](tensor)
            total = total + (part.sum(1) if isinstance(self.parts[name], CategoryTable) else part)
        return total


class Mlp(nn.Module):
    """Numbers as they are and a vector per category, side by side, through layers of one width after the other."""

    def __init__(self, blocks: tuple[Block, ...], widths: tuple[int, ...], out: int, embedding: int, dropout: float, activation: type[nn.Module]) -> None:
        super().__init__()
        self.names = tuple(block.name for block in blocks)
        self.tables = nn.ModuleDict({block.name: CategoryTable(block.cardinalities, embedding, 0.1) for block in blocks if block.cardinalities})
        width = sum(block.width * (embedding if block.cardinalities else 1) for block in blocks)
        layers: list[nn.Module] = []
        for hidden in widths:
            layers += [nn.Linear(width, hidden), activation(), *([nn.Dropout(dropout)] if dropout else [])]
            width = hidden
        self.body = nn.Sequential(*layers, nn.Linear(width, out))

    def forward(self, *tensors: torch.Tensor) -> torch.Tensor:
        """Raw scores, [rows, out]."""
        parts = [self.tables[name](tensor).flatten(1) if name in self.tables else tensor for name, tensor in zip(self.names, tensors, strict=True)]
        scores: torch.Tensor = self.body(torch.cat(parts, 1))
        return scores


def _weights(block: Block, width: int) -> nn.Module:
    if block.cardinalities:
        return CategoryTable(block.cardinalities, width, 0.0)
    layer = nn.Linear(block.width, width, bias=False)
    nn.init.zeros_(layer.weight)  # a convex problem: start where nothing is preferred
    return layer
